/** The certificate that a client has shown in its handshake, as OpenSSL judged it. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { peerCertificate } from '../peer-certificate.ts'
import {
  type Authority,
  type CertificateTrouble,
  type ClientCertificate,
  type Path,
  pathOf,
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
  PATH_LENGTH_EXCEEDED: 'unfit',
  // Node has no code for weak keys and signatures, names beyond a constraint, and critical extensions (RFC 5280 section 6.1).
  UNSPECIFIED: 'unfit',
}

/** Intermediates that have vouched for clients: what comes along is never freed once it was looked at (peer-certificate.ts). */
const known = new WeakMap<Authority, readonly X509Certificate[]>()
const mostKnown = 64

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
    const path = knownPath(leaf, authority) ?? newPath(leaf, authority, socket)
    return path === undefined ? 'untrusted' : readCertificate(path, authority)
  } catch {
    // What a stranger made can not be read, so it is not trusted; and it ends no more than its own session.
    return 'untrusted'
  }
}

const knownPath = (leaf: X509Certificate, authority: Authority): Path | undefined =>
  pathOf([leaf, ...(known.get(authority) ?? []).filter(isValid)], authority)

/** One that has ended may have been renewed, and come along beside the one that took its place: OpenSSL passes it by, too. */
const isValid = ({ validFromDate, validToDate }: X509Certificate): boolean => {
  const now = Date.now()
  return validFromDate.getTime() <= now && now <= validToDate.getTime()
}

function newPath(leaf: X509Certificate, authority: Authority, socket: TLSSocket): Path | undefined {
  const shown: X509Certificate[] = []
  let at = socket.getPeerX509Certificate()?.issuerCertificate
  for (; at !== undefined; at = at.issuerCertificate) shown.push(at)
  const path = pathOf([leaf, ...shown.filter(isValid)], authority)
  if (path !== undefined)
    known.set(authority, [...path.certificates.slice(1), ...(known.get(authority) ?? [])].slice(0, mostKnown))
  return path
}
