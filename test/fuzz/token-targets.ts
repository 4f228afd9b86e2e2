/** Tokens of service accounts: changed after they were signed, or signed by a good key whatever is in them. */
import { createHmac, createPublicKey, sign } from 'node:crypto'
import { readToken, tokenIssuer } from '../../relay/rules/token.ts'
import { claims, keys, newKey, type SigningKey, tokensConfig } from '../relay/tokens.ts'
import type { Dice } from './dice.ts'
import { hostile, same, type Target } from './target.ts'
import { type Trusted, tokenSays } from './token-grammar.ts'

/** The keys, and so the signatures, are new in each run; the seed only decides which key signs what, and how. */
const signers = { ...keys, new: newKey } satisfies Readonly<Record<string, SigningKey>>
/** Mostly the key that signs fastest. */
const signerNames = ['p256', 'p256', 'p256', 'p256', 'p256', 'p256', 'rsa', 'p384', 'p521', 'new'] as const
const signerOf = (name: string): SigningKey => signers[name as keyof typeof signers]

const at = 1_800_000_000
const issuer = tokenIssuer(tokensConfig)
const trusted: Trusted = {
  ...tokensConfig,
  keys: new Map(
    Object.values(keys).map(({ id, algorithm, privateKey }) => [id, { algorithm, key: createPublicKey(privateKey) }]),
  ),
}

const encoded = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')

const own = ({ algorithm, privateKey: key }: SigningKey, text: string, dsaEncoding: 'ieee-p1363' | 'der') =>
  sign(`sha${algorithm.slice(2)}`, Buffer.from(text), { key, dsaEncoding })
const hmac = (secret: Buffer | string, text: string) => createHmac('sha256', secret).update(text).digest()

const ways: Readonly<Record<string, (by: SigningKey, text: string) => Buffer>> = {
  own: (by, text) => own(by, text, 'ieee-p1363'),
  der: (by, text) => own(by, text, 'der'),
  none: () => Buffer.alloc(0),
  zeros: () => Buffer.alloc(64),
  /** The attack on verifiers that believe a token's `alg`: an HMAC whose secret is the public key, in both of its forms. */
  hmacOfDer: (by, text) => hmac(Buffer.from(by.publicKey, 'base64'), text),
  hmacOfPem: (by, text) => hmac(createPublicKey(by.privateKey).export({ format: 'pem', type: 'spki' }), text),
}
const wayNames = ['own', 'own', 'own', 'own', 'own', 'own', ...Object.keys(ways)]

const oddHeaders = [
  ...[
    '"alg":"none"',
    '"alg":"HS256"',
    '"alg":"RS256"',
    '"alg":"ES384"',
    '"alg":"es256"',
    '"alg":null',
    '"alg":["ES256"]',
  ],
  ...['"kid":"rsa"', '"kid":"p384"', '"kid":"new"', '"kid":"../../dev/null"', '"kid":""', '"kid":["p256"]', '"kid":0'],
  ...['"kid":"__proto__"', '"kid":"constructor"', '"kid":"P256"', '"kid":"p256\\u0000"', '"kid":"p256 "', '"crit":[]'],
  ...[
    '"crit":["exp"]',
    '"b64":false',
    '"zip":"DEF"',
    '"jwk":{"kty":"oct","k":""}',
    '"jku":"https://a.t"',
    '"typ":"JWT"',
  ],
  ...['"\\u0061lg":"none"', '"\\u006bid":"rsa"', '"__proto__":{"alg":"none"}', '"Alg":"none"', '"cty":"JWT"'],
] satisfies readonly string[]
const root = '{"namespace":"kube-system","serviceaccount":{"name":"root"}}'
const oddClaims = [
  ...[
    '"aud":"relayfleet"',
    '"aud":[]',
    '"aud":["a","relayfleet"]',
    '"aud":[["relayfleet"]]',
    '"aud":{"0":"relayfleet"}',
  ],
  ...['"exp":1e99', '"exp":1e999', '"exp":-1', '"exp":1800000001.5', '"exp":"1900000000"', '"exp":null', '"exp":0'],
  ...[
    '"nbf":null',
    '"nbf":1800000030',
    '"nbf":1800000031',
    '"nbf":-0',
    '"nbf":true',
    '"iss":"https://a.t"',
    '"iss":null',
  ],
  ...['"sub":"system:serviceaccount:kube-system:root"', '"sub":"system:serviceaccount:apps:web:x"', '"sub":["a"]'],
  ...[`"kubernetes.io":${root}`, '"kubernetes.io":null', '"kubernetes.io":[]', '"kubernetes\\u002eio":{}'],
  ...[`"__proto__":{"kubernetes.io":${root}}`, '"x":"\\ud800"', '"x":{"x":[1,2,{}]}', '"constructor":1'],
  `"kubernetes.io":{"namespace":"apps","serviceaccount":{"name":"web","name":"root"}}`,
  `"kubernetes.io":{"namespace":"apps","serviceaccount":{"name":"root","name":"web"}}`,
] satisfies readonly string[]
const words = [...['.', '..', '=', '-', '_', 'A', 'AA', '+', '/', '{', '}', 'e30', 'null', 'é'], ...hostile] as const

/** An object as JSON: its members in order, with up to two others anywhere, which may repeat a name. Sometimes it is damaged. */
function objectText(dice: Dice, good: object, odd: readonly string[]): string {
  const members = Object.entries(good).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  for (let left = dice.below(3); left > 0; left -= 1) members.splice(dice.below(members.length + 1), 0, dice.oneOf(odd))
  const text = `{${members.join(',')}}`
  return dice.below(8) === 0 ? dice.near([text], words) : text
}

function signedText(dice: Dice, head: string, body: string, by: SigningKey): string {
  const text = `${encoded(head)}.${encoded(body)}`
  const signature = ways[dice.oneOf(wayNames)]?.(by, text) ?? Buffer.alloc(0)
  return `${text}.${signature.toString('base64url')}`
}

const headOf = ({ id, algorithm }: SigningKey) => ({ alg: algorithm, kid: id })
const samples = Object.values(signers).map((by) => {
  const text = `${encoded(JSON.stringify(headOf(by)))}.${encoded(JSON.stringify(claims({}, at)))}`
  return `${text}.${own(by, text, 'ieee-p1363').toString('base64url')}`
})

const bulk: readonly ((size: number) => string)[] = [
  (size) => `"x":"${'x'.repeat(size)}"`,
  (size) => `"x":${'['.repeat(size)}${']'.repeat(size)}`,
  (size) => `"exp":${'9'.repeat(size)}`,
  (size) => `"x":{${'"x":{},'.repeat(size / 8)}"x":1}`,
]

/** A token of up to about four times the length that a line with AUTH may have. */
function huge(dice: Dice): string {
  const size = dice.below(48_000)
  const by = signers.p256
  const more = bulk[dice.below(bulk.length)]?.(size) ?? ''
  const grown = (good: object): string => `${JSON.stringify(good).slice(0, -1)},${more}}`
  switch (dice.below(4)) {
    case 0:
      return signedText(dice, grown(headOf(by)), JSON.stringify(claims({}, at)), by)
    case 1:
      return signedText(dice, JSON.stringify(headOf(by)), grown(claims({}, at)), by)
    case 2:
      return dice.oneOf(samples) + 'A'.repeat(size)
    default:
      return dice.oneOf(samples) + dice.oneOf(words).repeat(size)
  }
}

export const tokens: Target = {
  name: 'tokens',
  share: 12,
  make(dice) {
    const kind = dice.below(50)
    if (kind === 0) return huge(dice)
    if (kind < 15) return dice.near(samples, words)
    const by = signerOf(dice.oneOf(signerNames))
    const named = dice.below(6) === 0 ? signerOf(dice.oneOf(signerNames)) : by
    return signedText(
      dice,
      objectText(dice, headOf(named), oddHeaders),
      objectText(dice, claims({}, at), oddClaims),
      by,
    )
  },
  run(input) {
    const ours = readToken(issuer, input, at * 1000)
    const theirs = tokenSays(input, trusted, at * 1000)
    same('token', typeof ours === 'string' ? undefined : ours, theirs)
    return typeof ours !== 'string'
  },
}
