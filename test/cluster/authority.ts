/** The certificates of a control plane: a new authority, and the certificates that it signs. */
import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const day = 86_400_000

export type Pair = { readonly cert: string; readonly key: string }

export type Authority = {
  readonly ca: string
  /** A certificate for the API server, on this machine. */
  server(): Promise<Pair>
  /** A certificate to log in with, as the user and groups that the subject names, e.g. `O=system:masters, CN=admin`. */
  client(subject: string): Promise<Pair>
}

export async function newAuthority(): Promise<Authority> {
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }
  const own = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=relayfleet test authority',
    signingAlgorithm: ecdsa,
    keys: own,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  })
  const issue = async (subject: string, usage: ExtendedKeyUsage, names: SubjectAlternativeNameExtension[]) => {
    const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
    const certificate = await X509CertificateGenerator.create({
      ...validity,
      subject,
      issuer: authority.subject,
      signingAlgorithm: ecdsa,
      publicKey: keys.publicKey,
      signingKey: own.privateKey,
      extensions: [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...names,
      ],
    })
    const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    return { cert: certificate.toString('pem'), key }
  }
  const serverNames = new SubjectAlternativeNameExtension([
    { type: 'ip', value: '127.0.0.1' },
    { type: 'dns', value: 'localhost' },
    { type: 'dns', value: 'kubernetes.default.svc' },
  ])
  return {
    ca: authority.toString('pem'),
    server: () => issue('CN=kube-apiserver', ExtendedKeyUsage.serverAuth, [serverNames]),
    client: (subject) => issue(subject, ExtendedKeyUsage.clientAuth, []),
  }
}

/** The key that signs the tokens of service accounts. */
export const tokenKeys = (): { readonly private: string; readonly public: string } => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    private: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    public: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
