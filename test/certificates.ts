/** Certificates for tests: a fresh authority and one server certificate that it signs for the given hosts. */
import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type GeneralNameType,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: 'SHA-256',
} as const
const hour = 3_600_000

type Options = {
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly commonName?: string
  /** The hash in the authority's signature on the server certificate. */
  readonly hash?: 'SHA-1' | 'SHA-256'
  /** The server's key is one of RSA, which DHE needs. */
  readonly rsa?: boolean
}
type Certificate = { readonly ca: string; readonly cert: string; readonly key: string }

/** PEM texts: the authority's certificate, and a certificate and PKCS #8 key for these host names, addresses and URIs. */
export async function makeCertificates(hosts: readonly string[], options: Options = {}): Promise<Certificate> {
  const notBefore = options.notBefore ?? new Date(Date.now() - hour)
  const notAfter = options.notAfter ?? new Date(Date.now() + 24 * hour)
  const authorityKeys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test Authority',
    notBefore,
    notAfter,
    signingAlgorithm: ecdsa,
    keys: authorityKeys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  })
  const keys = await webcrypto.subtle.generateKey(options.rsa ? rsa : ecdsa, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${options.commonName ?? hosts[0] ?? 'localhost'}`,
    issuer: authority.subject,
    notBefore,
    notAfter,
    signingAlgorithm: { ...ecdsa, hash: options.hash ?? 'SHA-256' },
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: typeOf(value), value }))),
      await AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    ca: authority.toString('pem'),
    cert: certificate.toString('pem'),
    key: PemConverter.encode(key, 'PRIVATE KEY'),
  }
}

const typeOf = (name: string): GeneralNameType => (isIP(name) !== 0 ? 'ip' : name.includes('://') ? 'url' : 'dns')

/** A certificate with this authority's name and key identifier, but a key on a curve that NIST has no name for. */
export const oddTwin = async (authority: string): Promise<string> => (await onCurve('secp256k1', authority)).cert

/** A certificate with the names and extensions of the one given, but a key on another curve, and that key. */
export async function onCurve(namedCurve: string, like: string): Promise<Omit<Certificate, 'ca'>> {
  const { subject, extensions, notBefore, notAfter } = new X509Certificate(like)
  const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve })
  const { privateKey } = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer: subject,
    notBefore,
    notAfter,
    signingAlgorithm: ecdsa,
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    signingKey: privateKey,
    extensions,
  })
  return { cert: certificate.toString('pem'), key: key.export({ type: 'pkcs8', format: 'pem' }) as string }
}
