/** What a listener's handshakes go by: made anew when another certificate is to be shown or other ones are taken, and once a day. */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ListenerConfig } from '../config.ts'
import { type Authority, readAuthority } from '../rules/certificate.ts'

/** PEM texts. */
export type Certificate = {
  readonly cert: string
  readonly key: string
  /** Whose certificates clients may show; absent: they are not asked. */
  readonly ca?: string
}

/** Where an authority is given, the client is asked for a certificate. */
export type Handshake = { readonly context: SecureContext; readonly authority: Authority | undefined }

/**
 * A context has the keys of the session tickets that it gives out: with another one every client needs a whole handshake again.
 * So it stays as long as it would be the same; but not for ever, because who steals these keys reads what was said in TLS 1.2
 * since they are used (RFC 5077 section 5.5).
 */
const ticketKeysMs = 24 * 3_600_000

export class Handshakes {
  readonly #now: () => number
  #certificate: Certificate
  #config: ListenerConfig
  #current: Handshake
  #madeAt: number

  /** `now` is a monotonic clock. @throws Error when the certificate can not be used. */
  constructor(certificate: Certificate, config: ListenerConfig, now: () => number = () => performance.now()) {
    this.#now = now
    this.#certificate = certificate
    this.#config = config
    this.#current = handshake(certificate, config)
    this.#madeAt = now()
  }

  /** For the next one. */
  get current(): Handshake {
    if (this.#now() - this.#madeAt >= ticketKeysMs) this.#make(this.#certificate, this.#config)
    return this.#current
  }

  /** Handshakes that have begun go on by what was before. @throws Error when it can not be used; then nothing changes. */
  renew(certificate: Certificate, config: ListenerConfig): void {
    if (decisive(certificate, config) !== decisive(this.#certificate, this.#config)) this.#make(certificate, config)
  }

  #make(certificate: Certificate, config: ListenerConfig): void {
    this.#current = handshake(certificate, config)
    this.#certificate = certificate
    this.#config = config
    this.#madeAt = this.#now()
  }
}

/** Of the same, the same is made. */
const decisive = ({ cert, key, ca }: Certificate, { tls, clientCertificates }: ListenerConfig): string =>
  JSON.stringify([cert, key, ca, tls.minVersion, clientCertificates?.caFile])

function handshake({ cert, key, ca }: Certificate, { tls, clientCertificates }: ListenerConfig): Handshake {
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
