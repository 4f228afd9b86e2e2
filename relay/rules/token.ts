/**
 * A service account's token, a JWT (RFC 7519) in compact form (RFC 7515 section 7.1), judged by the keys of its issuer.
 * The token names a key, and the configuration says which algorithm that key is for: a token can not choose a weaker one.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { TokensConfig } from '../config.ts'

type Algorithm = TokensConfig['keys'][number]['algorithm']

type Kind = { readonly hash: string; readonly fits: (key: KeyObject) => boolean }

const isRsa = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
  asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
const isOn =
  (curve: string) =>
  ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
    asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === curve

/** RFC 7518 sections 3.3 and 3.4; `fits`: whether a key is of the kind and size that the algorithm requires. */
const kinds: Readonly<Record<Algorithm, Kind>> = {
  RS256: { hash: 'sha256', fits: isRsa },
  ES256: { hash: 'sha256', fits: isOn('prime256v1') },
  ES384: { hash: 'sha384', fits: isOn('secp384r1') },
  ES512: { hash: 'sha512', fits: isOn('secp521r1') },
}

/** The algorithm of a token's `alg`; undefined where tokens signed by it are not accepted. */
export const algorithmNamed = (name: unknown): Algorithm | undefined =>
  typeof name === 'string' && Object.hasOwn(kinds, name) ? (name as Algorithm) : undefined

/** Whether the key is of the algorithm's kind and long enough. */
export const fits = (algorithm: Algorithm, key: KeyObject): boolean => kinds[algorithm].fits(key)

type TokenKey = { readonly algorithm: Algorithm; readonly key: KeyObject }

/** Whose tokens are accepted, and the keys that verify them by their ids (`kid`). */
export type TokenIssuer = {
  readonly issuer: string
  readonly audience: string
  readonly keys: Pick<ReadonlyMap<string, TokenKey>, 'get' | 'has'>
}

/** What is kept of a token that was good when it was shown. */
export type Token = {
  /** The id of the key that signed it. */
  readonly keyId: string
  /** namespace/name */
  readonly serviceAccount: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly expiresAt: number
}

/** `forged`: unreadable, of another issuer, for another audience, or not signed by the key that it names. */
export type TokenTrouble = 'forged' | 'unknownKey' | 'notYetValid' | 'expired'

/** The clocks of issuer and relay may differ by so much. */
const skewMs = 30_000

/** Made once for each configuration; a key that can not be used is left out. */
export function tokenIssuer({ issuer, audience, keys }: TokensConfig): TokenIssuer {
  return { issuer, audience, keys: new Map(keys.flatMap((k) => usable(k))) }
}

function usable({ id, algorithm, publicKey }: TokensConfig['keys'][number]): readonly (readonly [string, TokenKey])[] {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
    return fits(algorithm, key) ? [[id, { algorithm, key }]] : []
  } catch {
    return []
  }
}

type Parts = {
  readonly header: Claims
  readonly claims: Claims
  readonly signed: string
  readonly signature: Buffer
}

function partsOf(text: string): Parts | undefined {
  const [head, body, last, ...more] = text.split('.')
  const header = objectIn(head)
  const claims = objectIn(body)
  const signature = octetsIn(last)
  if (!header || !claims || !signature || more.length > 0) return undefined
  return { header, claims, signed: `${head}.${body}`, signature }
}

/** Whether a text has the form of a token: all that can be told while the keys of its issuer are not known. */
export const isTokenText = (text: string): boolean => partsOf(text) !== undefined

/** The token in a text, where its issuer signed it for us and it counts at `now` (milliseconds since the epoch); else why not. */
export function readToken(from: TokenIssuer, text: string, now: number): Token | TokenTrouble {
  const parts = partsOf(text)
  if (parts === undefined) return 'forged'
  const { header, claims } = parts
  // `crit` names extensions that have to be understood (RFC 7515 section 4.1.11), and we understand none.
  if (claims['iss'] !== from.issuer || 'crit' in header || typeof header['kid'] !== 'string') return 'forged'
  const known = from.keys.get(header['kid'])
  if (!known) return 'unknownKey'
  if (header['alg'] !== known.algorithm || !isSignedBy(known, parts.signed, parts.signature)) return 'forged'
  const token = tokenOf(header['kid'], claims, from.audience)
  return token === undefined ? 'forged' : (tokenNow(from, token, now) ?? token)
}

/** Why a token of the issuer does not count: it is not its time by our clock, or its key was taken back. Undefined: it counts. */
export function tokenNow({ keys }: Pick<TokenIssuer, 'keys'>, token: Token, now: number): TokenTrouble | undefined {
  if (!keys.has(token.keyId)) return 'unknownKey'
  const { from, until } = tokenSpan(token)
  if (now < from) return 'notYetValid'
  return now < until ? undefined : 'expired'
}

/** The time in which it counts, `until` not included, with the skew of clocks allowed for. */
export const tokenSpan = ({ notBefore, expiresAt }: Token): { readonly from: number; readonly until: number } => ({
  from: notBefore - skewMs,
  until: expiresAt + skewMs,
})

const isSignedBy = ({ algorithm, key }: TokenKey, text: string, signature: Buffer): boolean =>
  verify(kinds[algorithm].hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, signature)

/** Namespace and name stand in it twice (in `sub`, and in the claims of Kubernetes), and have to be the same. */
function tokenOf(keyId: string, claims: Claims, audience: string): Token | undefined {
  const { aud, sub, exp, nbf = 0, 'kubernetes.io': kubernetes } = claims
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(audience) || !isSeconds(exp) || !isSeconds(nbf) || !isObject(kubernetes)) return undefined
  const { namespace, serviceaccount } = kubernetes
  const name = isObject(serviceaccount) ? serviceaccount['name'] : undefined
  if (!isName(namespace) || !isName(name) || sub !== `system:serviceaccount:${namespace}:${name}`) return undefined
  return { keyId, serviceAccount: `${namespace}/${name}`, notBefore: nbf * 1000, expiresAt: exp * 1000 }
}

type Claims = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isSeconds = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
const isName = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9][-a-z0-9.]*$/.test(value)

/** Base64url without padding (RFC 7515 section 2). Only the one canonical text of the octets is taken. */
function octetsIn(text: string | undefined): Buffer | undefined {
  if (text === undefined || text === '') return undefined
  const octets = Buffer.from(text, 'base64url')
  return octets.toString('base64url') === text ? octets : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function objectIn(text: string | undefined): Claims | undefined {
  const octets = octetsIn(text)
  if (octets === undefined) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(octets))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
