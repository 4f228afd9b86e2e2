/** TLS towards a smarthost: who is verified, against which roots, and the handshake on an open connection. */
import { constants, X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  DEFAULT_CIPHERS,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import { Alarm } from '../alarm.ts'
import type { SmarthostConfig } from '../config.ts'
// Replaces what Node reads of a certificate before it asks `identityProblem`, which with some keys ends the process.
import '../peer-certificate.ts'
import { UnderHandshake } from '../under-handshake.ts'
import { type Answer, none } from './answer.ts'
import { inWords } from './tls-words.ts'

export type TlsMode = SmarthostConfig['tls']['mode']

/** `verified`: a handshake counts only with a certificate that the roots and the host's name confirm. */
export const tlsPolicies = {
  StartTLS: { starts: 'upgrade', required: true, verified: true },
  Implicit: { starts: 'atOnce', required: true, verified: true },
  Opportunistic: { starts: 'upgrade', required: false, verified: false },
  Disabled: { starts: 'never', required: false, verified: false },
} as const satisfies Record<TlsMode, { starts: 'atOnce' | 'upgrade' | 'never'; required: boolean; verified: boolean }>

/**
 * The given roots replace the default ones; never older than TLS 1.2 (RFC 8996). `verified`: as in `tlsPolicies`.
 * @throws Error on roots that are no PEM
 */
export const secureContext = (roots: string | undefined, verified: boolean): SecureContext =>
  createSecureContext({
    minVersion: 'TLSv1.2',
    // One handshake a connection, with one chain of certificates.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...groups,
    // In TLS 1.2 the group of DHE is the server's choice, of up to 10,000 bits, for which one handshake takes half a second.
    ...(!verified && { ciphers: `${DEFAULT_CIPHERS}:!kDHE` }),
    ...(roots !== undefined && { ca: checkedPem(roots) }),
  })

const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number)

/**
 * By default OpenSSL 3.5 sends a share of ML-KEM at once, and its first message takes two packets: some hosts, and firewalls before them,
 * never answer that, or reset the connection. A host that prefers the group asks for the share, which takes a round trip (RFC 8446
 * section 4.1.4). Before 3.5 there is none.
 */
const groups: SecureContextOptions =
  major > 3 || (major === 3 && minor >= 5) ? { ecdhCurve: 'X25519MLKEM768:DEFAULT' } : {}

/** Throws where it is no PEM. Node would take it, trust nobody by it, and then blame the server's certificate. */
function checkedPem(roots: string): string {
  void new X509Certificate(roots)
  return roots
}

export type Handshake = {
  readonly host: string
  readonly context: SecureContext
  readonly verified: boolean
  /** Behind STARTTLS: the other side has spoken before, and has said that TLS was to begin. */
  readonly upgraded: boolean
  readonly deadlineMs: number
}

/** Verifies the name, or for an address the certificate's IP entries (RFC 9525 section 6). Resolves with the answer when it fails. */
export function startTls(socket: Socket, handshake: Handshake): Promise<TLSSocket | Answer> {
  const { host, context, verified, upgraded, deadlineMs } = handshake
  // A peer that is not verified may be anybody: what it sends in the handshake has limits.
  const stranger = verified ? undefined : new UnderHandshake(socket)
  return new Promise((resolve) => {
    const secured: TLSSocket = connect({
      socket: stranger ?? socket,
      host,
      secureContext: context,
      rejectUnauthorized: verified,
      checkServerIdentity: identityProblem,
      ...(isIP(host) === 0 && { servername: host }),
    })
    const finish = (result: TLSSocket | Answer): void => {
      deadline.end()
      secured.off('secureConnect', onSecure).off('close', onClose).off('error', onError)
      secured.on('error', () => {})
      if (result !== secured) secured.destroy()
      resolve(result)
    }
    const onSecure = (): void => {
      stranger?.handshakeDone(() => secured.bytesRead)
      finish(secured)
    }
    const onClose = (): void => finish(none('lost', 'the connection was closed in the TLS handshake'))
    const onError = (error: NodeJS.ErrnoException): void => finish(refused(host, error, upgraded))
    const deadline = new Alarm(() => finish(none('silent', `no end of the handshake within ${deadlineMs / 1000} s`)))
    deadline.set(deadlineMs)
    secured.on('secureConnect', onSecure).on('close', onClose).on('error', onError)
  })
}

/** Why the certificate is not of this host, as Node judges it. */
function identityProblem(host: string, shown: PeerCertificate): Error | undefined {
  const names = shown.subjectaltname || 'nobody by a subject alternative name (a common name does not count)'
  return checkServerIdentity(host, shown) && new Error(`its certificate is for ${names}, and not for this host`)
}

const lost: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

const refused = (host: string, error: NodeJS.ErrnoException, upgraded: boolean): Answer =>
  lost.has(error.code ?? '')
    ? none('lost', `the connection was lost in the TLS handshake (${error.code})`)
    : none('insecure', `no trusted TLS with ${host}: ${inWords(error, upgraded)}`)
