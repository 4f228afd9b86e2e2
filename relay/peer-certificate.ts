/**
 * The certificate that a peer has shown, read from the octets of the session: Node's own way to describe one can end the process.
 */
import { X509Certificate } from 'node:crypto'
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** Node's internal handle: TLSSocket.getSession wraps what this returns, with octets of its own before the session. */
type Handle = { getSession(): Buffer | undefined }

/** The tag of the peer's certificate in OpenSSL's SSL_SESSION in DER. From 128 on, a length is written in several octets. */
const peerTag = 0xa3
const longForm = 0x80

/**
 * The peer's certificate; undefined: it has shown none. Node's getPeerCertificate describes the whole chain, and crashes the
 * process at a key on a curve without a NIST name (secp256k1, those of RFC 5639), which anybody may show; what
 * getPeerX509Certificate takes from a chain is never freed. The session holds this one certificate by itself.
 * @throws Error when it can not be read.
 */
export function peerCertificate(socket: TLSSocket): X509Certificate | undefined {
  const session = (socket as unknown as { readonly _handle: Handle })._handle.getSession() ?? Buffer.alloc(0)
  let [at, end] = valueAt(session, 0)
  while (at < end) {
    const [begin, next] = valueAt(session, at)
    if (session[at] === peerTag) return new X509Certificate(session.subarray(begin, next))
    at = next
  }
  return undefined
}

/**
 * For all connections of this process, also those of libraries: to check a server's name Node calls getPeerCertificate, which would
 * describe the whole chain (and crash, as above). Here it gets the names alone.
 */
TLSSocket.prototype.getPeerCertificate = function (this: TLSSocket) {
  return { subjectaltname: namesIn(this) } as DetailedPeerCertificate
}

/**
 * The subject alternative names, all that checkServerIdentity is to go by: a common name is free text (RFC 9525 section 2).
 * Empty, which no host name matches, where the certificate can not be read.
 */
function namesIn(socket: TLSSocket): string {
  try {
    return peerCertificate(socket)?.subjectAltName?.replace(wildcardInLabel, '$1unusable DNS:') ?? ''
  } catch {
    return ''
  }
}

/** The tag of a name whose `*` is not the whole of its first label: it counts for nothing (RFC 9525 section 6.3), and Node takes it. */
const wildcardInLabel = /(^|, )DNS:(?!\*\.)(?=[^,"]*\*)/g

/** Where the value of the DER element at `at` begins, and where it ends. */
function valueAt(der: Buffer, at: number): [begin: number, end: number] {
  if (at >= der.length) return [at, at]
  const length = der.readUInt8(at + 1)
  const more = length < longForm ? 0 : length - longForm
  const begin = at + 2 + more
  return [begin, begin + (more === 0 ? length : der.readUIntBE(at + 2, more))]
}
