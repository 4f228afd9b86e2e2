/** Which tokens of service accounts are accepted; each one that is refused differs from a good one in one thing only. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { readToken, tokenIssuer, tokenNow } from '../../../relay/rules/token.ts'
import {
  claims,
  keys,
  newKey,
  part,
  publicPart,
  shortKey,
  signed,
  signedText,
  signedWithPublicKey,
  tokensConfig,
} from '../tokens.ts'

const issuer = tokenIssuer(tokensConfig)
const at = 1_800_000_000
const body = (over: object = {}) => claims({ ...over }, at)
const read = (text: string, seconds = at) => readToken(issuer, text, seconds * 1000)
const account = (namespace: unknown, name: unknown, sub = `system:serviceaccount:${namespace}:${name}`) =>
  body({ sub, 'kubernetes.io': { namespace, serviceaccount: { name } } })

test.each(Object.entries(keys))('a token that is signed by the key %s is accepted', (id, key) => {
  const good = { keyId: id, serviceAccount: 'apps/web', notBefore: at * 1000, expiresAt: (at + 3607) * 1000 }
  expect(read(signed(key, body()))).toEqual(good)
})

test.each([
  ['an audience that is no list', body({ aud: 'relayfleet' })],
  ['one audience of several', body({ aud: ['https://kubernetes.default.svc', 'relayfleet'] })],
  ['no time to begin at', body({ nbf: undefined })],
  ['a claim that nobody knows', body({ more: { of: ['it'] } })],
])('a token is accepted: %s', (_name, good) => {
  expect(read(signed(keys.rsa, good))).toMatchObject({ serviceAccount: 'apps/web' })
})

const good = signed(keys.rsa, body())
const [head = '', payload = '', signature = ''] = good.split('.')
/** The same octets in base64url, with one of the last bits set, which belong to no octet. */
function loosely(text: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const loose = `${text.slice(0, -1)}${digits[digits.indexOf(text.at(-1) ?? '') + 1]}`
  expect(Buffer.from(loose, 'base64url')).toEqual(Buffer.from(text, 'base64url'))
  return loose
}

test.each([
  ['an empty text', ''],
  ['a password', 'Zm9vYmFyYmF6'],
  ['two parts', `${head}.${payload}`],
  ['four parts', `${good}.${signature}`],
  ['encrypted, of five parts', `${head}..${payload}.${signature}.${signature}`],
  ['no signature', `${head}.${payload}.`],
  ['alg none', `${part({ alg: 'none', kid: 'rsa' })}.${payload}.`],
  ['alg none, with a signature', `${part({ alg: 'none', kid: 'rsa' })}.${payload}.${signature}`],
  ['the public key as a secret', signedWithPublicKey(keys.rsa)],
  ['another algorithm of its key', signed(keys.rsa, body(), { alg: 'RS512', kid: 'rsa' })],
  ['the algorithm of another key', signed(keys.rsa, body(), { alg: 'ES256', kid: 'rsa' })],
  ['the name of another key', signed(keys.rsa, body(), { alg: 'ES256', kid: 'p256' })],
  ['no name of a key', signed(keys.rsa, body(), { alg: 'RS256' })],
  [
    'its own key in the header',
    signed(newKey, body(), {
      alg: 'RS256',
      kid: 'rsa',
      jwk: createPublicKey(newKey.privateKey).export({ format: 'jwk' }),
    }),
  ],
  ['an extension that it wants understood', signed(keys.rsa, body(), { alg: 'RS256', kid: 'rsa', crit: ['exp'] })],
  ['signed by an unknown key with a known name', signed(newKey, body(), { alg: 'RS256', kid: 'rsa' })],
  ['another content under the signature', `${head}.${part(body({ exp: at + 9999 }))}.${signature}`],
  ['base64 with padding', `${good}=`],
  ['base64 that is not of URLs', `${head}.${payload}.${signature.slice(0, -4)}+/+/`],
  ['bits that belong to no octet', `${head}.${payload}.${loosely(signature)}`],
  ['a signature of another length', `${good.slice(0, -4)}`],
  ['white space around it', ` ${good}`],
  ['a line feed behind it', `${good}\n`],
  ['a text for a header', signedText(keys.rsa, `${part('RS256')}.${payload}`)],
  ['a list for claims', signed(keys.rsa, [body()])],
  ['null for claims', signed(keys.rsa, null)],
  ['another issuer', signed(keys.rsa, body({ iss: 'https://other.example' }))],
  ['the issuer with a slash', signed(keys.rsa, body({ iss: `${tokensConfig.issuer}/` }))],
  ['no issuer', signed(keys.rsa, body({ iss: undefined }))],
  ['a list of issuers', signed(keys.rsa, body({ iss: [tokensConfig.issuer] }))],
  ['the audience of the API server', signed(keys.rsa, body({ aud: ['https://kubernetes.default.svc'] }))],
  ['no audience', signed(keys.rsa, body({ aud: undefined }))],
  ['an audience that begins with ours', signed(keys.rsa, body({ aud: ['relayfleet.example'] }))],
  ['no end', signed(keys.rsa, body({ exp: undefined }))],
  ['an end that is a string', signed(keys.rsa, body({ exp: String(at + 60) }))],
  ['a beginning that is a string', signed(keys.rsa, body({ nbf: String(at) }))],
  ['no claims of Kubernetes', signed(keys.rsa, body({ 'kubernetes.io': undefined }))],
  ['no service account', signed(keys.rsa, body({ 'kubernetes.io': { namespace: 'apps' } }))],
  ['no namespace', signed(keys.rsa, account(undefined, 'web', 'system:serviceaccount:apps:web'))],
  ['another namespace in the subject', signed(keys.rsa, account('apps', 'web', 'system:serviceaccount:shop:web'))],
  ['another name in the subject', signed(keys.rsa, account('apps', 'web', 'system:serviceaccount:apps:root'))],
  ['a person for a subject', signed(keys.rsa, account('apps', 'web', 'kubernetes-admin'))],
  ['a slash in the namespace', signed(keys.rsa, account('apps/x', 'web'))],
  ['a colon in the name', signed(keys.rsa, account('apps', 'web:x'))],
  ['a list for a name', signed(keys.rsa, account('apps', ['web']))],
])('a token is refused as forged: %s', (_name, text) => {
  expect(read(text)).toBe('forged')
})

const strict = JSON.stringify({ alg: 'RS256', kid: 'rsa' })
test.each([
  [
    'octets that are no UTF-8',
    Buffer.concat([Buffer.from(`${strict.slice(0, -1)},"`), Buffer.from([0xff]), Buffer.from('":1}')]),
  ],
  ['a byte order mark', Buffer.from(`\ufeff${strict}`)],
  ['a comma too many', Buffer.from(`${strict.slice(0, -1)},}`)],
])('a token with a header that is no strict JSON is refused as forged: %s', (_name, octets) => {
  expect(read(signedText(keys.rsa, `${octets.toString('base64url')}.${payload}`))).toBe('forged')
  const good = Buffer.from(strict).toString('base64url')
  expect(read(signedText(keys.rsa, `${good}.${payload}`))).toMatchObject({ keyId: 'rsa' })
})

test('a token of our issuer by an unknown key is told apart from a forged one, without a look at its signature', () => {
  expect(read(signed(newKey, body()))).toBe('unknownKey')
  expect(read(signed(newKey, body({ iss: 'https://other.example' })))).toBe('forged')
})

test.each([
  [-31, 'notYetValid'],
  [-30, 'good'],
  [3607 + 29, 'good'],
  [3607 + 30, 'expired'],
])('%i seconds after its beginning a token is %s, since clocks may differ by half a minute', (seconds, is) => {
  const now = read(good, at + seconds)
  expect(typeof now === 'string' ? now : 'good').toBe(is)
})

test('a token that was accepted counts no longer when its time is over, or its key is no longer known', () => {
  const token = read(good)
  if (typeof token === 'string') throw new Error(token)
  const later = (at + 3607 + 30) * 1000
  const without = tokenIssuer({ ...tokensConfig, keys: [publicPart(keys.p256)] })
  expect([tokenNow(issuer, token, at * 1000), tokenNow(issuer, token, later), tokenNow(without, token, later)]).toEqual(
    [undefined, 'expired', 'unknownKey'],
  )
})

const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
test.each([
  ['a short RSA key', publicPart(shortKey)],
  ['an RSA key for ES256', { ...publicPart(keys.rsa), algorithm: 'ES256' }],
  ['a key of another curve', { ...publicPart(keys.p384), algorithm: 'ES256' }],
  ['a key of no such algorithm', { id: 'ed', algorithm: 'ES256', publicKey: ed25519 }],
  ['no key at all', { id: 'none', algorithm: 'RS256', publicKey: 'AAAA' }],
] as const)('a key that does not fit its algorithm is left out, and the others are used: %s', (_name, key) => {
  const { keys: known } = tokenIssuer({ ...tokensConfig, keys: [key, publicPart(newKey)] })
  expect([known.has(key.id), known.has('new')]).toEqual([false, true])
})

test('a good token in which one character is changed, missing or doubled is refused', () => {
  for (const token of [good, signed(keys.p256, body())]) {
    for (let at = 0; at < token.length; at++) {
      const [before, after] = [token.slice(0, at), token.slice(at + 1)]
      const changed = [
        `${before}${token[at] === 'A' ? 'B' : 'A'}${after}`,
        `${before}${after}`,
        `${before}${token[at]}${token.slice(at)}`,
      ]
      for (const text of changed) expect(typeof read(text), `${text.length} at ${at}`).toBe('string')
    }
  }
})
