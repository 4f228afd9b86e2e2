/** The operator's own authority, in both modes: it signs the certificates of listeners that name no other. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** PEM texts; the key in PKCS #8. */
export type Issued = { readonly certificate: string; readonly key: string }

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const day = 24 * 3_600_000
const authorityLifetime = 3650 * day
const leafLifetime = 90 * day
/**
 * Far in the past: else an authority that was made while the clock was ahead would be invalid for years once the clock is right.
 */
const authorityBegins = Date.UTC(2000, 0, 1)
/** A certificate begins an hour ago, because it would not be valid yet for a client whose clock is a little behind. */
const backdated = 3_600_000

/** A new authority, good for ten years. */
export async function createAuthority(now: number): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Relayfleet authority',
    notBefore: new Date(authorityBegins),
    notAfter: new Date(now + authorityLifetime),
    signingAlgorithm: ecdsa,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await printKey(keys.privateKey) }
}

/**
 * A server certificate for host names and addresses, good for ninety days.
 * @throws Error when the authority's certificate or key can not be read.
 */
export async function issue(authority: Issued, hosts: readonly string[], now: number): Promise<Issued> {
  const signer = new X509Certificate(authority.certificate)
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${hosts[0]?.slice(0, 64) ?? 'relayfleet'}`,
    issuer: signer.subject,
    notBefore: new Date(now - backdated),
    notAfter: new Date(Math.min(now + leafLifetime, signer.notAfter.getTime())),
    signingAlgorithm: ecdsa,
    publicKey: keys.publicKey,
    signingKey: await readKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(alternativeNames(hosts)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await printKey(keys.privateKey) }
}

/**
 * Whether a certificate can stay in use: this authority signed it for exactly these hosts, it is valid, and a third of its time
 * is left.
 */
export async function stillServes(
  certificate: string,
  authority: Issued,
  hosts: readonly string[],
  now: number,
): Promise<boolean> {
  try {
    const leaf = new X509Certificate(certificate)
    const names = namesOf(leaf)
    return (
      leaf.notBefore.getTime() <= now &&
      leaf.notAfter.getTime() - now > leafLifetime / 3 &&
      names.length === hosts.length &&
      hosts.every((h) => names.includes(h)) &&
      (await leaf.verify({ publicKey: new X509Certificate(authority.certificate), signatureOnly: true }))
    )
  } catch {
    return false
  }
}

const namesOf = (leaf: X509Certificate): readonly string[] =>
  leaf.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? []

/** The host names and addresses in a certificate (PEM); undefined where it can not be read or has none. */
export function hostsIn(certificate: string | undefined): readonly string[] | undefined {
  try {
    const names = certificate === undefined ? [] : namesOf(new X509Certificate(certificate))
    return names.length === 0 ? undefined : names
  } catch {
    return undefined
  }
}

const alternativeNames = (hosts: readonly string[]) =>
  hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))

const printKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

const readKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), ecdsa, false, ['sign'])
