/** A client's certificate that TLS has verified: the names in it, whose it is, and for how long. Pure. */
import { X509Certificate } from 'node:crypto'

/** What a certificate says that was good at the handshake; the certificate itself is not kept. */
export type ClientCertificate = {
  /** The file of the authority that verified it. */
  readonly authority: string
  /** SHA-256 of the authority's certificates that signatures lead to; one or more. */
  readonly anchors: readonly string[]
  /** `URI:spiffe://…`, `DNS:app.example.org`, `email:app@example.org` (RFC 5280 section 4.2.1.6). */
  readonly names: readonly string[]
  /** Milliseconds since the epoch; of the certificate and of all that vouch for it. */
  readonly notBefore: number
  readonly notAfter: number
}

/** `absent`: asked for, and none came. `unfit`: its authority may be the right one. `untrusted` is whatever has no other name. */
export type CertificateTrouble = 'absent' | 'untrusted' | 'expired' | 'notYetValid' | 'notForClients' | 'unfit'

/** The certificates of one authority. */
export type Authority = { readonly file: string; readonly certificates: readonly X509Certificate[] }

/** SHA-256 of each certificate that is taken for an authority's now, by the authority's file. */
export type Anchors = Pick<ReadonlyMap<string, ReadonlySet<string>>, 'get'>

const pem = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
const begin = /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g

/** @throws Error when one can not be read. */
export const certificatesIn = (text: string): readonly X509Certificate[] =>
  (text.match(pem) ?? []).map((certificate) => new X509Certificate(certificate))

/**
 * The authority in a file's text.
 * @throws Error when there is no certificate in it, or one that is not whole or can not be read.
 */
export function readAuthority(file: string, text: string): Authority {
  const certificates = certificatesIn(text)
  if (certificates.length === 0) throw new Error('there is no certificate in it')
  if (certificates.length !== text.match(begin)?.length) throw new Error(notWhole)
  return { file, certificates }
}

const notWhole = 'one of its certificates does not stand whole between BEGIN CERTIFICATE and END CERTIFICATE'

/**
 * Each certificate by itself, for OpenSSL: of any other text it takes those before the first one that it can not read, as
 * where one runs into the next, and says nothing.
 */
export const printAuthority = ({ certificates }: Authority): string => certificates.map(String).join('')

export const anchorsIn = ({ certificates }: Authority): ReadonlySet<string> =>
  new Set(certificates.map((c) => c.fingerprint256))

/** From a leaf, by signatures, to the certificates of the authority that vouch for the last one. */
export type Path = { readonly certificates: readonly X509Certificate[]; readonly anchors: readonly X509Certificate[] }

/** Longer ones nobody has. */
const longestPath = 10

/**
 * Of what TLS has verified, the leaf first, and what else there is in any order. That signatures lead to the authority is
 * looked at once more: which of its certificates they lead to decides what becomes of the session when one of them is taken away.
 */
export function pathOf(
  [leaf, ...others]: readonly X509Certificate[],
  { certificates: authority }: Authority,
): Path | undefined {
  const certificates: X509Certificate[] = []
  for (let at = leaf; at !== undefined && certificates.length < longestPath; ) {
    const last = at
    certificates.push(last)
    const anchors = authority.filter((a) => a.fingerprint256 === last.fingerprint256 || signed(a, last))
    if (anchors.length > 0) return { certificates, anchors }
    at = others.find((other) => !certificates.includes(other) && signed(other, last))
  }
  return undefined
}

export function readCertificate({ certificates, anchors }: Path, { file }: Authority): ClientCertificate {
  return {
    authority: file,
    anchors: anchors.map((a) => a.fingerprint256),
    names: namesIn(certificates[0]?.subjectAltName ?? ''),
    notBefore: Math.max(...certificates.map(beginOf), Math.min(...anchors.map(beginOf))),
    notAfter: Math.min(...certificates.map(endOf), Math.max(...anchors.map(endOf))),
  }
}

const beginOf = ({ validFromDate }: X509Certificate): number => validFromDate.getTime()
const endOf = ({ validToDate }: X509Certificate): number => validToDate.getTime()

const signed = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

/** Why a certificate that was good at the handshake is not any more: its time is over, or its authority was taken away. */
export function certificateNow(
  anchors: Anchors,
  { authority, anchors: its, notBefore, notAfter }: ClientCertificate,
  now: number,
): CertificateTrouble | undefined {
  const taken = anchors.get(authority)
  if (!its.some((anchor) => taken?.has(anchor))) return 'untrusted'
  // A time that could not be read is no number, and none of these comparisons holds.
  if (!(now >= notBefore)) return 'notYetValid'
  return now <= notAfter ? undefined : 'expired'
}

/** Whatever could be taken for the end of a name (`"`, `'`, `,`, `\`, a control character) makes Node quote all of it. */
const item = /(?:[A-Za-z ]+):(?:"(?:[^"\\]|\\.)*"|[^"'\\,]*)/.source
const list = new RegExp(`^${item}(?:, ${item})*$`)
const plain = /(?:^|, )(URI|DNS|email):([!-~]+?)(?=, |$)/g
const quoted = /"(?:[^"\\]|\\.)*"/g

/** The names in Node's text of a SubjectAltName. In a text of another form there are none, and quoted ones nobody has. */
export function namesIn(subjectAltName: string): readonly string[] {
  if (!list.test(subjectAltName)) return []
  return [...subjectAltName.replaceAll(quoted, '""').matchAll(plain)]
    .filter(([, , value = '']) => !value.includes('"'))
    .map(([, kind = '', value = '']) => `${kind}:${comparable(kind, value)}`)
}

/** Domains are compared without case, and local parts and URIs with it (RFC 5280 sections 7.2, 7.4 and 7.5). */
function comparable(kind: string, value: string): string {
  if (kind === 'DNS') return value.toLowerCase()
  if (kind !== 'email') return value
  const at = value.lastIndexOf('@')
  return `${value.slice(0, at)}${value.slice(at).toLowerCase()}`
}
