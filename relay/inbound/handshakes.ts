/** The TLS context of a listener's handshakes: made anew when its certificate, its clients' authority or its version changes. */
import { constants } from 'node:crypto'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ListenerConfig } from '../config.ts'
import { type Authority, readAuthority } from '../rules/certificate.ts'

/** PEM texts. */
export type Certificate = {
  readonly cert: string
  readonly key: string
  /** The authority of client certificates; absent: clients are not asked for one. */
  readonly ca?: string
}

/** `authority`: the client is asked for a certificate of it; undefined: the client is not asked. */
export type Handshake = { readonly context: SecureContext; readonly authority: Authority | undefined }

export class Handshakes {
  #current: Handshake
  /** What the current one was made of. */
  #decisive: string

  /** @throws Error when the certificate can not be used. */
  constructor(certificate: Certificate, config: ListenerConfig) {
    this.#current = handshake(certificate, config)
    this.#decisive = decisive(certificate, config)
  }

  /** For handshakes that begin now. */
  get current(): Handshake {
    return this.#current
  }

  /** Handshakes that have begun keep what they began with. @throws Error when it can not be used; then nothing changes. */
  renew(certificate: Certificate, config: ListenerConfig): void {
    const wanted = decisive(certificate, config)
    if (wanted === this.#decisive) return
    this.#current = handshake(certificate, config)
    this.#decisive = wanted
  }
}

/** Everything that a context is made of: where it is equal, the context need not be made again. */
const decisive = ({ cert, key, ca }: Certificate, { tls, clientCertificates }: ListenerConfig): string =>
  JSON.stringify([cert, key, ca, tls.minVersion, clientCertificates?.caFile])

function handshake({ cert, key, ca }: Certificate, { tls, clientCertificates }: ListenerConfig): Handshake {
  const minVersion = `TLSv${tls.minVersion}` as const
  const context = (asks: SecureContextOptions): SecureContext => {
    // With an empty one, createSecureContext makes a context that shows no certificate, without an error.
    if (cert === '' || key === '') throw new Error('certificate or key is empty')
    return createSecureContext({ ...always, cert, key, minVersion, ...asks })
  }
  if (clientCertificates === undefined) return { context: context({}), authority: undefined }
  const authority: Authority = readAuthority(clientCertificates.caFile, ca ?? '')
  return { authority, context: context({ ca, ...verifying }) }
}

const always: SecureContextOptions = {
  // First the suite that every TLS 1.3 has (RFC 8446 section 9.1): a handshake is mostly hashing, and processors have instructions for
  // SHA-256. Without kRSA, whoever gets the certificate's key one day can not read what was recorded before (RFC 9325 section 4.1).
  ciphers: `TLS_AES_128_GCM_SHA256:${DEFAULT_CIPHERS}:!kRSA`,
  honorCipherOrder: true,
  // No session is resumed (decision 0051): it would rest on a verification of long ago, and the key of the tickets would open what
  // was said under them. SSL_OP_NO_TICKET is for TLS 1.2; for 1.3 it takes openssl.cnf, which node-flags.ts names. Nor is a session
  // negotiated again (RFC 9325 section 3.5): that would be another handshake, without a turn and without a deadline.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  // Without a list, OpenSSL would look among the system's roots for the issuer of our certificate in each handshake, to send it along.
  ca: [],
}

/** For a listener that asks for certificates. */
const verifying = {
  // Each certificate in the file is trusted by itself, also an intermediate whose root is not in it: only what is named is trusted.
  allowPartialTrustChain: true,
  sessionIdContext: 'relayfleet',
}
