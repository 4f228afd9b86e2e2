/** The certificate that a peer has shown, by its octets alone: to have Node describe it can end the process. */
import { X509Certificate } from 'node:crypto'
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** The JavaScript around it puts more before the session. */
type Handle = { getSession(): Buffer | undefined }

/** Of OpenSSL's SSL_SESSION in DER; lengths of 128 and more have their own length before them. */
const peerTag = 0xa3
const longForm = 0x80

/**
 * Node's getPeerCertificate describes all of a chain, and dies of a key on a curve that NIST has no name for (secp256k1,
 * those of RFC 5639), which anybody may show; what its getPeerX509Certificate takes from a chain is never freed. The
 * session holds this one by itself. Undefined: none was shown.
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
 * Node has the whole chain described before it looks at a name, of every server that it connects to, and so does who connects
 * by a library, as to Redis: here, and for whoever imports this, it gets the names alone.
 */
TLSSocket.prototype.getPeerCertificate = function (this: TLSSocket) {
  return { subjectaltname: namesIn(this) } as DetailedPeerCertificate
}

/**
 * All that checkServerIdentity is to go by: a common name is free text, and no host's (RFC 9525 section 2). Of a certificate
 * that can not be read there is none.
 */
function namesIn(socket: TLSSocket): string {
  try {
    return peerCertificate(socket)?.subjectAltName ?? ''
  } catch {
    return ''
  }
}

/** Where the value of the element at this place begins, and where it ends. */
function valueAt(der: Buffer, at: number): [begin: number, end: number] {
  if (at >= der.length) return [at, at]
  const length = der.readUInt8(at + 1)
  const more = length < longForm ? 0 : length - longForm
  const begin = at + 2 + more
  return [begin, begin + (more === 0 ? length : der.readUIntBE(at + 2, more))]
}
