/** The certificate that a client has shown in its handshake, as OpenSSL judged it. */
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { peerCertificate } from '../peer-certificate.ts'
import {
  type Authority,
  type CertificateTrouble,
  type ClientCertificate,
  readCertificate,
} from '../rules/certificate.ts'

/** `authorized` is only set on the sockets of a tls.Server; the verdict itself is had from the handle alone. */
type Judged = TLSSocket & {
  readonly _handle: { verifyError(): (Error & { readonly code?: string }) | null | undefined }
}

const troubles: Readonly<Record<string, CertificateTrouble>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'notYetValid',
  INVALID_PURPOSE: 'notForClients',
}

/** Longer ones nobody has. */
const longestChain = 10

/**
 * After a handshake that asked for it, by this authority. A session that was resumed has verified nothing; none is, and
 * if one were, it would have shown nothing.
 */
export function shownCertificate(socket: TLSSocket, authority: Authority): ClientCertificate | CertificateTrouble {
  try {
    const leaf = peerCertificate(socket)
    if (socket.isSessionReused() || leaf === undefined) return 'absent'
    const error = (socket as Judged)._handle.verifyError()
    if (error) return troubles[error.code ?? ''] ?? 'untrusted'
    const read = readCertificate([leaf], authority)
    // The chain is looked at only where it is needed, and nobody's who is not trusted: see peer-certificate.ts.
    return read === 'untrusted' ? readCertificate(chainOf(socket.getPeerCertificate(true)), authority) : read
  } catch {
    // What a stranger made can not be read, so it is not trusted; and it ends no more than its own session.
    return 'untrusted'
  }
}

/** The leaf first; the last one names itself as its issuer, or nobody. */
function chainOf(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let at: DetailedPeerCertificate | undefined = leaf
  while (at?.raw !== undefined && chain.length < longestChain) {
    chain.push(new X509Certificate(at.raw))
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate
  }
  return chain
}
