/** A client certificate that TLS has verified: the names in it, the authority that it comes from, and how long it counts. Pure. */
import { X509Certificate } from 'node:crypto'

/** What is kept of a certificate that was good at the handshake. */
export type ClientCertificate = {
  /** The file of the authority that verified it. */
  readonly authority: string
  /** SHA-256 of those of the authority's certificates to which its signatures lead; one or more. */
  readonly anchors: readonly string[]
  /** `URI:spiffe://…`, `DNS:app.example.org`, `email:app@example.org` (RFC 5280 section 4.2.1.6). */
  readonly names: readonly string[]
  /** Milliseconds since the epoch: the time in which the certificate and all that vouch for it are valid. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * `absent`: the client was asked for one and sent none. `unfit`: of the right authority maybe, but with a weak key or signature,
 * against a constraint of its issuer, or with an unknown critical extension. `untrusted`: everything else.
 */
export type CertificateTrouble = 'absent' | 'untrusted' | 'expired' | 'notYetValid' | 'notForClients' | 'unfit'

/** The certificates of one authority. */
export type Authority = { readonly file: string; readonly certificates: readonly X509Certificate[] }

/** By the authority's file: the SHA-256 of each certificate that the configuration in force has in it. */
export type Anchors = Pick<ReadonlyMap<string, ReadonlySet<string>>, 'get'>

const pem = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
const begin = /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g

/** The certificates in a PEM text, in their order. @throws Error when one of them can not be read. */
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
 * The certificates printed anew, one below the other, for OpenSSL. Of a text in which it can not read one (e.g. where one runs
 * into the next without a line end) it would take those before that, and say nothing.
 */
export const printAuthority = ({ certificates }: Authority): string => certificates.map(String).join('')

/** The SHA-256 of each certificate of an authority. */
export const anchorsIn = ({ certificates }: Authority): ReadonlySet<string> =>
  new Set(certificates.map((c) => c.fingerprint256))

/**
 * `certificates`: the leaf first, each one signed by the next; `anchors`: those of the authority that signed (or are) the last
 * one.
 */
export type Path = { readonly certificates: readonly X509Certificate[]; readonly anchors: readonly X509Certificate[] }

/** Nobody has a longer chain; it bounds the work that a stranger can ask for. */
const longestPath = 10

/**
 * The path from the leaf (the first one) by way of the `others`, which may be in any order. TLS has verified it already; it is
 * looked for once more, since the session has to end when those of the authority's certificates are taken away that it leads to.
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

/** Why a certificate that was good at the handshake is not good now; undefined: it is. `now`: milliseconds since the epoch. */
export function certificateNow(
  anchors: Anchors,
  { authority, anchors: its, notBefore, notAfter }: ClientCertificate,
  now: number,
): CertificateTrouble | undefined {
  const taken = anchors.get(authority)
  if (!its.some((anchor) => taken?.has(anchor))) return 'untrusted'
  // A time that could not be read is NaN, which fails both comparisons: then the certificate is not good.
  if (!(now >= notBefore)) return 'notYetValid'
  return now <= notAfter ? undefined : 'expired'
}

/**
 * One name in Node's text. Node puts it in quotes where it holds what could be taken for its end: `"` `'` `,` `\` or a control
 * character.
 */
const item = /(?:[A-Za-z ]+):(?:"(?:[^"\\]|\\.)*"|[^"'\\,]*)/.source
const list = new RegExp(`^${item}(?:, ${item})*$`)
const plain = /(?:^|, )(URI|DNS|email):([!-~]+?)(?=, |$)/g
const quoted = /"(?:[^"\\]|\\.)*"/g

/**
 * The names in Node's text of a SubjectAltName; none where the text has another form. Quoted ones are left out: no real name
 * needs them.
 */
export function namesIn(subjectAltName: string): readonly string[] {
  if (!list.test(subjectAltName)) return []
  return [...subjectAltName.replaceAll(quoted, '""').matchAll(plain)]
    .filter(([, , value = '']) => !value.includes('"'))
    .map(([, kind = '', value = '']) => `${kind}:${comparable(kind, value)}`)
}

/**
 * The form in which names are compared: domains without case, local parts and URIs with it (RFC 5280 sections 7.2, 7.4 and 7.5).
 */
function comparable(kind: string, value: string): string {
  if (kind === 'DNS') return value.toLowerCase()
  if (kind !== 'email') return value
  const at = value.lastIndexOf('@')
  return `${value.slice(0, at)}${value.slice(at).toLowerCase()}`
}
