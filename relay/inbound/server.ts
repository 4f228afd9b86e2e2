/** A listener: its port, its certificate, and a connection for each client. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { ListenerConfig } from '../config.ts'
import { type Begin, Connection } from './connection.ts'

export type Certificate = { readonly cert: string; readonly key: string }

export type Listener = {
  readonly address: string
  readonly port: number
  /** New handshakes use this; sessions go on. @throws Error when certificate and key can not be used. */
  renew(certificate: Certificate, minVersion: ListenerConfig['tls']['minVersion']): void
  /** Takes no new connections; sessions go on. */
  stop(): void
}

/** @throws Error when the address can not be bound or the certificate not be used. */
export async function openListener(config: ListenerConfig, certificate: Certificate, begin: Begin): Promise<Listener> {
  let context = secureContext(certificate, config.tls.minVersion)
  const tls = { implicit: config.tls.mode === 'Implicit', context: () => context }
  // A reply that waits for the acknowledgement of the one before would wait for 40 ms.
  const server = createServer({ noDelay: true }, (socket) => {
    if (!socket.destroyed) new Connection(socket, tls, begin)
  })
  server.listen(config.port, config.address)
  await once(server, 'listening')
  // A client that is gone before it was taken is no trouble of the listener.
  server.on('error', () => {})
  const { address, port } = server.address() as AddressInfo
  return {
    address,
    port,
    renew: (next, minVersion) => {
      context = secureContext(next, minVersion)
    },
    stop: () => void server.close(),
  }
}

function secureContext({ cert, key }: Certificate, minVersion: ListenerConfig['tls']['minVersion']): SecureContext {
  // An empty one would be a context that shows nothing, not an error.
  if (cert === '' || key === '') throw new Error('certificate or key is empty')
  return createSecureContext({ cert, key, minVersion: `TLSv${minVersion}`, honorCipherOrder: true })
}
