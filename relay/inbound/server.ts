/** A listener: its port, its certificate, and a connection for each client. */

import { constants } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ListenerConfig } from '../config.ts'
import { type Authority, readAuthority } from '../rules/certificate.ts'
import { type Begin, Connection, type Tls } from './connection.ts'

/** PEM texts. */
export type Certificate = {
  readonly cert: string
  readonly key: string
  /** Whose certificates clients may show; absent: they are not asked. */
  readonly ca?: string
}

export type Listener = {
  readonly address: string
  readonly port: number
  /** New handshakes use this; sessions go on. @throws Error when it can not be used. */
  renew(certificate: Certificate, config: ListenerConfig): void
  /** Takes no new connections; sessions go on. */
  stop(): void
}

/** @throws Error when the address can not be bound or the certificate not be used. */
export async function openListener(config: ListenerConfig, certificate: Certificate, begin: Begin): Promise<Listener> {
  let current = handshake(certificate, config)
  const tls = { implicit: config.tls.mode === 'Implicit', handshake: () => current }
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
    renew: (next, its) => {
      current = handshake(next, its)
    },
    stop: () => void server.close(),
  }
}

function handshake(
  { cert, key, ca }: Certificate,
  { tls, clientCertificates }: ListenerConfig,
): ReturnType<Tls['handshake']> {
  const minVersion = `TLSv${tls.minVersion}` as const
  const context = (asks: SecureContextOptions): SecureContext => {
    // An empty one would be a context that shows nothing, not an error.
    if (cert === '' || key === '') throw new Error('certificate or key is empty')
    return createSecureContext({ cert, key, minVersion, honorCipherOrder: true, ...asks })
  }
  if (clientCertificates === undefined) return { context: context({}), authority: undefined }
  const authority: Authority = readAuthority(clientCertificates.caFile, ca ?? '')
  return { authority, context: context({ ca, ...verifying }) }
}

/** For a listener that asks for certificates. */
const verifying = {
  // Each certificate of the authority is one by itself, an intermediate too: only what is named is trusted.
  allowPartialTrustChain: true,
  // A session that is resumed would bring along what was verified long ago, by authorities that may be gone.
  secureOptions: constants.SSL_OP_NO_TICKET,
  sessionIdContext: 'relayfleet',
}
