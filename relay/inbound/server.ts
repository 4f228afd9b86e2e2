/** A listener: its port, its certificate, and a connection for each client. */

import { type AddressInfo, createServer } from 'node:net'
import type { ListenerConfig } from '../config.ts'
import { listen } from '../listen.ts'
import { type Begin, Connection } from './connection.ts'
import { type Certificate, Handshakes } from './handshakes.ts'

export type Listener = {
  readonly address: string
  readonly port: number
  /** New handshakes use this, if it is another one; sessions go on. @throws Error when it can not be used. */
  renew(certificate: Certificate, config: ListenerConfig): void
  /** Takes no new connections; sessions go on. */
  stop(): void
}

/** @throws Error when the address can not be bound or the certificate not be used. */
export async function openListener(config: ListenerConfig, certificate: Certificate, begin: Begin): Promise<Listener> {
  const handshakes = new Handshakes(certificate, config)
  const tls = { implicit: config.tls.mode === 'Implicit', handshake: () => handshakes.current }
  // A reply that waits for the acknowledgement of the one before would wait for 40 ms; and who has nothing more to say may
  // still listen: a connection ends when what came is answered.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    // Who has reset it by now has no address any more, and would be taken for one that is denied.
    if (socket.remoteAddress === undefined) socket.destroy()
    else new Connection(socket, tls, begin)
  })
  await listen(server, { host: config.address, port: config.port })
  // A client that is gone before it was taken is no trouble of the listener.
  server.on('error', () => {})
  const { address, port } = server.address() as AddressInfo
  return {
    address,
    port,
    renew: (next, its) => handshakes.renew(next, its),
    stop: () => void server.close(),
  }
}
