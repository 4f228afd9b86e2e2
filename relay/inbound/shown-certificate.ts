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

/** OpenSSL's verdict. Node sets `authorized` only on sockets of a tls.Server, which ours are not, so it is read from the handle. */
type Judged = TLSSocket & {
  readonly _handle: { verifyError(): (Error & { readonly code?: string }) | null | undefined }
}

const troubles: Readonly<Record<string, CertificateTrouble>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'notYetValid',
  INVALID_PURPOSE: 'notForClients',
  PATH_LENGTH_EXCEEDED: 'unfit',
  // All that Node has no code for: weak keys and signatures, names outside a constraint, unknown critical extensions (RFC 5280).
  UNSPECIFIED: 'unfit',
}

/**
 * Intermediates that have vouched for clients of each authority. They are tried before those that a client sends: once Node has looked
 * at a chain that was sent, its memory is never freed (peer-certificate.ts).
 */
const known = new WeakMap<Authority, readonly X509Certificate[]>()
const mostKnown = 64

/**
 * The certificate that came in a handshake which asked for one of this authority, or why there is no good one. A resumed session has
 * verified nothing; none can be resumed here (decision 0051), and if one were, it would count as having shown none.
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
    // A stranger's certificate that can not be read is not trusted; it must not throw into the connection.
    return 'untrusted'
  }
}

const knownPath = (leaf: X509Certificate, authority: Authority): Path | undefined =>
  pathOf([leaf, ...(known.get(authority) ?? []).filter(isValid)], authority)

/** An intermediate that has expired may have been renewed, and both are sent: OpenSSL passes over the expired one, and so do we. */
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
