/** What a listener's handshakes go by: made anew when another certificate is to be shown or other ones are taken. */
import { constants } from 'node:crypto'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type SecureContextOptions } from 'node:tls'
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

export class Handshakes {
  #certificate: Certificate
  #config: ListenerConfig
  #current: Handshake

  /** @throws Error when the certificate can not be used. */
  constructor(certificate: Certificate, config: ListenerConfig) {
    this.#certificate = certificate
    this.#config = config
    this.#current = handshake(certificate, config)
  }

  /** For the next one. */
  get current(): Handshake {
    return this.#current
  }

  /** Handshakes that have begun go on by what was before. @throws Error when it can not be used; then nothing changes. */
  renew(certificate: Certificate, config: ListenerConfig): void {
    if (decisive(certificate, config) === decisive(this.#certificate, this.#config)) return
    this.#current = handshake(certificate, config)
    this.#certificate = certificate
    this.#config = config
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
    return createSecureContext({ ...always, cert, key, minVersion, ...asks })
  }
  if (clientCertificates === undefined) return { context: context({}), authority: undefined }
  const authority: Authority = readAuthority(clientCertificates.caFile, ca ?? '')
  return { authority, context: context({ ca, ...verifying }) }
}

const always: SecureContextOptions = {
  // What every TLS 1.3 has (RFC 8446 section 9.1) comes first: a handshake is hashing for the most part, and SHA-256 has instructions of its own.
  // With a key exchange by the certificate's own key, whoever has that one day reads every password that was recorded before (RFC 9325 section 4.1).
  ciphers: `TLS_AES_128_GCM_SHA256:${DEFAULT_CIPHERS}:!kRSA`,
  honorCipherOrder: true,
  // No session is resumed: it would bring along what was verified long ago, and the key of its ticket would open what was
  // said under it. Of TLS 1.3 no ticket is sent at all: that takes openssl.cnf, which node-flags.ts names. And none is
  // negotiated again (RFC 9325 section 3.5): that would be another handshake, without its turn and without its deadline.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  // Among roots OpenSSL would look for the issuer of our certificate in each handshake, to show it, too.
  ca: [],
}

/** For a listener that asks for certificates. */
const verifying = {
  // Each certificate of the authority is one by itself, an intermediate too: only what is named is trusted.
  allowPartialTrustChain: true,
  sessionIdContext: 'relayfleet',
}
