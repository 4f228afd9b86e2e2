/** A listener: it binds its port, holds its certificate, and makes a Connection for each client. */

import { type AddressInfo, createServer } from 'node:net'
import type { ListenerConfig } from '../config.ts'
import { listen } from '../listen.ts'
import { type Begin, Connection } from './connection.ts'
import { type Certificate, Handshakes } from './handshakes.ts'

export type Listener = {
  readonly address: string
  readonly port: number
  /** Handshakes that begin later use this certificate; open sessions keep theirs. @throws Error when it can not be used. */
  renew(certificate: Certificate, config: ListenerConfig): void
  /** Takes no new connections; open sessions go on. */
  stop(): void
}

/** @throws Error when the address can not be bound or the certificate not be used. */
export async function openListener(config: ListenerConfig, certificate: Certificate, begin: Begin): Promise<Listener> {
  const handshakes = new Handshakes(certificate, config)
  const tls = { implicit: config.tls.mode === 'Implicit', handshake: () => handshakes.current }
  // noDelay: with Nagle's algorithm a reply would wait up to 40 ms for the acknowledgement of the one before. allowHalfOpen: a
  // client may close its side and still read, so a connection ends only when all that came on it is answered.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    // A socket that the peer has reset by now has no remote address any more, and would be refused (and logged) as a denied network.
    if (socket.remoteAddress === undefined) socket.destroy()
    else new Connection(socket, tls, begin)
  })
  await listen(server, { host: config.address, port: config.port })
  // After the bind, an error here is a connection that was lost before it was accepted: the listener itself is fine.
  server.on('error', () => {})
  const { address, port } = server.address() as AddressInfo
  return {
    address,
    port,
    renew: (next, its) => handshakes.renew(next, its),
    stop: () => void server.close(),
  }
}
