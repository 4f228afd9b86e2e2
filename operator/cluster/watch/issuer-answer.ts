/** What the API server says of the issuer of its tokens (OpenID Connect Discovery 1.0, RFC 7517). Pure. */
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { TokensConfig } from '../../../relay/config.ts'
import { algorithmNamed, fits } from '../../../relay/rules/token.ts'
import type { TokenIssuer } from '../../compile/snapshot.ts'

type Key = TokensConfig['keys'][number]

/**
 * The issuer and its keys.
 * @throws Error where it names no issuer, or has no key that a token could be verified by: then what was known before still
 * counts.
 */
export function issuerIn(discovery: unknown, keySet: unknown): Extract<TokenIssuer, { is: 'known' }> {
  const issuer = fieldsOf(discovery)['issuer']
  if (typeof issuer !== 'string' || issuer === '') throw new Error('the OpenID configuration names no issuer')
  const listed = fieldsOf(keySet)['keys']
  const keys = (Array.isArray(listed) ? listed : []).flatMap(keyIn)
  if (keys.length === 0)
    throw new Error('there is no key for RS256, ES256, ES384 or ES512 among the keys of the issuer')
  if (new Set(keys.map((k) => k.id)).size < keys.length) throw new Error('two keys of the issuer have the same name')
  return { is: 'known', issuer, keys: keys.toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
}

/** Keys for other purposes, and of kinds that no relay knows, are left out. */
function keyIn(value: unknown): readonly Key[] {
  const jwk = fieldsOf(value)
  const { kid: id, alg, use = 'sig' } = jwk
  const algorithm = algorithmNamed(alg)
  if (typeof id !== 'string' || id === '' || algorithm === undefined || use !== 'sig') return []
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const publicKey = key.export({ format: 'der', type: 'spki' }).toString('base64')
    return fits(algorithm, key) ? [{ id, algorithm, publicKey }] : []
  } catch {
    return []
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
