/** Authorities and client certificates for tests: good ones, and each way in which one can be bad. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  type GeneralNameType,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const hour = 3_600_000

type Keys = webcrypto.CryptoKeyPair
export type TestAuthority = { readonly pem: string; readonly certificate: X509Certificate; readonly keys: Keys }
/** What a client presents, as PEM texts; in `cert`, the leaf comes first and the intermediates follow. */
export type Shown = { readonly cert: string; readonly key: string }
export type San = { readonly type: GeneralNameType; readonly value: string }
type Options = {
  readonly notBefore?: number
  readonly notAfter?: number
  readonly usage?: ExtendedKeyUsage
  readonly keyUsage?: KeyUsageFlags
  /** The hash in the authority's signature on the certificate. */
  readonly hash?: 'SHA-1' | 'SHA-256'
  /** Further extensions. */
  readonly others?: readonly Extension[]
  /** Whether the certificate names the key that signed it (the authority key identifier, RFC 5280 section 4.2.1.1). */
  readonly keyId?: boolean
}

const newKeys = (): Promise<Keys> => webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])

/** Makes an authority: a root, or one that `parent` vouches for. With `isOne` false, its basic constraints say that it is none. */
export async function makeAuthority(
  name: string,
  parent?: TestAuthority,
  keys?: Keys,
  hours = 48,
  isOne = true,
): Promise<TestAuthority> {
  const its = keys ?? (await newKeys())
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: parent?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - 48 * hour),
    notAfter: new Date(Date.now() + hours * hour),
    signingAlgorithm: ecdsa,
    publicKey: its.publicKey,
    signingKey: (parent?.keys ?? its).privateKey,
    extensions: [
      new BasicConstraintsExtension(isOne, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(its.publicKey),
    ],
  })
  return { pem: certificate.toString('pem'), certificate, keys: its }
}

/** Makes a leaf certificate; the times are in hours from now. */
export async function certify(by: TestAuthority, names: readonly San[], options: Options = {}): Promise<Shown> {
  const { notBefore = -1, notAfter = 24, usage = ExtendedKeyUsage.clientAuth, keyId = true } = options
  const { hash = 'SHA-256', others = [], keyUsage = KeyUsageFlags.digitalSignature } = options
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=client',
    issuer: by.certificate.subject,
    notBefore: new Date(Date.now() + notBefore * hour),
    notAfter: new Date(Date.now() + notAfter * hour),
    signingAlgorithm: { ...ecdsa, hash },
    publicKey: keys.publicKey,
    signingKey: by.keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(keyUsage, true),
      new ExtendedKeyUsageExtension([usage]),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension([...names])] : []),
      ...others,
      ...(keyId ? [await AuthorityKeyIdentifierExtension.create(by.keys.publicKey)] : []),
    ],
  })
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { cert: certificate.toString('pem'), key }
}

const uri = (value: string): San => ({ type: 'url', value })
export const dns = (value: string): San => ({ type: 'dns', value })
const email = (value: string): San => ({ type: 'email', value })

async function makeSet() {
  const authority = await makeAuthority('Clients')
  const foreign = await makeAuthority('Clients')
  const other = await makeAuthority('Other')
  const intermediate = await makeAuthority('Intermediate', authority)
  const web = [uri('spiffe://corp.example/web')]
  const below = await certify(intermediate, web)
  const none = await makeAuthority('None', authority, undefined, 48, false)
  const belowNone = await certify(none, web)
  return {
    authorities: { authority, foreign, other, intermediate },
    shown: {
      /** The name of the credential apps/device. */
      device: await certify(authority, web),
      deviceByDns: await certify(authority, [dns('Device.corp.example')]),
      deviceByEmail: await certify(authority, [email('device@CORP.example')]),
      deviceTwice: await certify(authority, [...web, dns('device.corp.example')]),
      printer: await certify(authority, [dns('printer.corp.example')]),
      /** One name of apps/device and one of apps/printer. */
      both: await certify(authority, [...web, dns('printer.corp.example')]),
      nobody: await certify(authority, [uri('spiffe://corp.example/web2'), uri('spiffe://corp.example/webb')]),
      nameless: await certify(authority, []),
      otherKind: await certify(authority, [dns('spiffe.corp.example'), email('printer@corp.example')]),
      wildcard: await certify(authority, [dns('*.corp.example')]),
      injected: await certify(authority, [uri('x:, URI:spiffe://corp.example/web')]),
      expired: await certify(authority, web, { notBefore: -24, notAfter: -1 }),
      early: await certify(authority, web, { notBefore: 12 }),
      server: await certify(authority, web, { usage: ExtendedKeyUsage.serverAuth }),
      signer: await certify(authority, web, { keyUsage: KeyUsageFlags.keyCertSign }),
      /** Signed by a certificate that is no authority. */
      belowNone: { cert: `${belowNone.cert}\n${none.pem}`, key: belowNone.key },
      weak: await certify(authority, web, { hash: 'SHA-1' }),
      unknown: await certify(authority, web, { others: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))] }),
      /** Signed by another authority of the same name. */
      foreign: await certify(foreign, web),
      foreignByName: await certify(foreign, web, { keyId: false }),
      other: await certify(other, web),
      chain: { cert: `${below.cert}\n${intermediate.pem}`, key: below.key },
      withoutIntermediate: below,
    } satisfies Readonly<Record<string, Shown>>,
  }
}

let made: ReturnType<typeof makeSet> | undefined
/** One set for all tests of a process, made when the first one asks. */
export const clientCertificates = () => (made ??= makeSet())
