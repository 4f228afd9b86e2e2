/** An issuer of tokens with keys of its own, and tokens, good and bad; the good one is that of service account apps/web. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { TokensConfig } from '../../relay/config.ts'

type KeyConfig = TokensConfig['keys'][number]
export type SigningKey = KeyConfig & { readonly privateKey: KeyObject }

const key = (id: string, algorithm: KeyConfig['algorithm'], pair: ReturnType<typeof rsa | typeof ec>): SigningKey => ({
  id,
  algorithm,
  publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  privateKey: pair.privateKey,
})
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })

export const keys = {
  rsa: key('rsa', 'RS256', rsa(2048)),
  p256: key('p256', 'ES256', ec('P-256')),
  p384: key('p384', 'ES384', ec('P-384')),
  p521: key('p521', 'ES512', ec('P-521')),
} as const
/** A new key of the issuer that no relay knows yet. */
export const newKey = key('new', 'RS256', rsa(2048))
export const shortKey = key('short', 'RS256', rsa(1024))

export const publicPart = ({ id, algorithm, publicKey }: SigningKey): KeyConfig => ({ id, algorithm, publicKey })

export const tokensConfig: TokensConfig = {
  issuer: 'https://kubernetes.default.svc',
  audience: 'relayfleet',
  keys: Object.values(keys).map(publicPart),
}

const seconds = (): number => Math.floor(Date.now() / 1000)

/** The claims of a projected token; undefined in `over` removes a claim. */
export const claims = (over: Readonly<Record<string, unknown>> = {}, now = seconds()) => ({
  aud: ['relayfleet'],
  exp: now + 3607,
  iat: now,
  iss: tokensConfig.issuer,
  jti: '0f4e1cfe-5a5c-4f6a-9a3e-1a3c2c4f4c57',
  'kubernetes.io': {
    namespace: 'apps',
    node: { name: 'node-1', uid: '1' },
    pod: { name: 'web-7d9c', uid: '2' },
    serviceaccount: { name: 'web', uid: '3' },
  },
  nbf: now,
  sub: 'system:serviceaccount:apps:web',
  ...over,
})

export const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export function signed(
  by: SigningKey,
  body: unknown = claims(),
  header: Readonly<Record<string, unknown>> = { alg: by.algorithm, kid: by.id },
): string {
  return signedText(by, `${part(header)}.${part(body)}`)
}

/** Signs the first two parts of a token as they are, whatever is in them. */
export function signedText(by: SigningKey, text: string): string {
  const hash = `sha${by.algorithm.slice(2)}`
  const signature = sign(hash, Buffer.from(text), { key: by.privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** A token whose signature is an HMAC with the public key: the attack on verifiers that believe a token's `alg`. */
export function signedWithPublicKey(by: SigningKey): string {
  const text = `${part({ alg: 'HS256', kid: by.id })}.${part(claims())}`
  return `${text}.${createHmac('sha256', Buffer.from(by.publicKey, 'base64')).update(text).digest('base64url')}`
}

const named: Readonly<Record<string, () => string>> = {
  good: () => signed(keys.rsa),
  expired: () => signed(keys.rsa, claims({}, seconds() - 7200)),
  early: () => signed(keys.rsa, claims({}, seconds() + 60)),
  foreignAudience: () => signed(keys.rsa, claims({ aud: ['https://kubernetes.default.svc'] })),
  ofAnotherAccount: () =>
    signed(
      keys.rsa,
      claims({
        sub: 'system:serviceaccount:apps:other',
        'kubernetes.io': { namespace: 'apps', serviceaccount: { name: 'other' } },
      }),
    ),
  ofNewKey: () => signed(newKey),
  unsigned: () => `${part({ alg: 'none', kid: keys.rsa.id })}.${part(claims())}.`,
}

/** Makes the token that a dialog names, anew each time. */
export function tokenNamed(name: string): string {
  const make = named[name]
  if (make === undefined) throw new Error(`there is no token ${name}`)
  return make()
}
