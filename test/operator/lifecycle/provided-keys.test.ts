/** The DKIM keys that a Secret provides sign if they can be used, and else the domain tells why not and nothing changes. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { type DkimKey, keyTypeOf } from '../../../operator/lifecycle/dkim-key.ts'
import { dkimRecordText } from '../../../operator/lifecycle/dkim-record.ts'
import { judgeKey } from '../../../operator/lifecycle/judge-dkim.ts'
import { ownKeysIn } from '../../../operator/lifecycle/own-keys.ts'
import { type GivenSecret, providedKeys } from '../../../operator/lifecycle/provided-keys.ts'
import { leastCpuMs } from '../../cpu-time.ts'
import { shownIn } from '../../shown-secret.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const pem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): unknown }): string =>
  String(key.export({ type: 'pkcs8', format: 'pem' }))
const rsa = (modulusLength = 2048) => generateKeyPairSync('rsa', { modulusLength })
const [rsaPair, edPair] = [rsa(), generateKeyPairSync('ed25519')]

/** An encrypted key as `openssl genrsa -aes256` makes it, in today's form (PKCS #8) or the older one (PKCS #1). */
const encrypted = (type: 'pkcs8' | 'pkcs1'): string =>
  String(rsaPair.privateKey.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'known to its owner' }))

const there = (data: Readonly<Record<string, string>>): GivenSecret => ({
  is: 'there',
  data: new Map(Object.entries(data)),
})
const provided = (secret: GivenSecret, recorded: readonly DkimKey[] = []) =>
  providedKeys('example.org', 'mail/keys', secret, recorded, now)
const told = (secret: GivenSecret) => provided(secret).found.map((f) => `${f.status} ${f.reason}: ${f.message}`)

test('every provided key signs under its selector, RSA first', () => {
  const { sign, keys, pems, found } = provided(there({ e1: pem(edPair.privateKey), 'r1.pem': pem(rsaPair.privateKey) }))
  expect(sign?.map((k) => `${k.selector} ${k.algorithm}`)).toEqual(['r1 rsa2048', 'e1 ed25519'])
  expect(keys.map((k) => `${k.selector} ${k.stage} ${k.since - now}`)).toEqual(['r1 Active 0', 'e1 Active 0'])
  expect([...pems.keys()]).toEqual(['e1', 'r1'])
  expect(found).toEqual([])
})

test('a selector whose record would have a name of more than 253 octets is refused', () => {
  const domain = `${'d'.repeat(63)}.example`
  const label = 's'.repeat(63)
  const found = (last: number) => {
    const selector = `${label}.${label}.${'s'.repeat(last)}`
    const secret = there({ [`${selector}.pem`]: pem(edPair.privateKey) })
    return providedKeys(domain, 'mail/keys', secret, [], now).found.map(
      ({ reason, message }) => `${reason}: ${message}`,
    )
  }
  expect(found(42)).toEqual([])
  expect(found(43)).toEqual([expect.stringMatching(/^InvalidSecret: .*a name of 254 octets, and DNS takes 253/)])
})

test.each([
  'rsa',
  'ed25519',
] as const)('the wanted record of an %s key has the public key in the form that its RFC asks for', (type) => {
  const { sign = [] } = provided(there({ s1: pem((type === 'rsa' ? rsaPair : edPair).privateKey) }))
  const [key] = sign
  if (key === undefined) throw new Error('it signs')
  const text = dkimRecordText(keyTypeOf(key.algorithm), key.publicKey)
  const { publicKey } = type === 'rsa' ? rsaPair : edPair
  const jwk = publicKey.export({ format: 'jwk' })
  const p = /p=(.*)$/.exec(text)?.[1] ?? ''
  // RFC 8463 section 4.2: the octets of the key alone. RFC 6376 section 3.6.1: RSA as openssl prints it.
  const expected =
    type === 'ed25519' ? Buffer.from(String(jwk.x), 'base64url') : publicKey.export({ type: 'spki', format: 'der' })
  expect(Buffer.from(p, 'base64')).toEqual(expected)
  const wanted = {
    purpose: 'DKIM',
    name: 's1._domainkey.example.org',
    type: 'TXT',
    key: { type, publicKey: key.publicKey },
  } as const
  const verdict = judgeKey(wanted, () => ({ is: 'records', records: [text], ttl: 60, authenticated: false }))
  expect(verdict).toMatchObject({ state: 'Match' })
})

test('a key that was provided before keeps its time, and another key under the same selector has the present one', () => {
  const first = provided(there({ s1: pem(edPair.privateKey) })).keys.map((k) => ({ ...k, since: now - 1000 }))
  expect(provided(there({ s1: pem(edPair.privateKey) }), first).keys[0]?.since).toBe(now - 1000)
  expect(provided(there({ s1: pem(generateKeyPairSync('ed25519').privateKey) }), first).keys[0]?.since).toBe(now)
})

test.each<[string, GivenSecret, string]>([
  ['no Secret', { is: 'absent' }, 'False SecretNotFound: there is no Secret mail/keys; create it'],
  [
    'a Secret without the label that opens it to the operator',
    { is: 'withheld' },
    'False SecretNotReadable: Secret mail/keys is not opened to relayfleet; label it relayfleet.dev/dkim-key=true',
  ],
  ['an empty Secret', there({}), 'False InvalidSecret: Secret mail/keys can not be used: it is empty'],
  [
    'a text that is no PEM',
    there({ s1: 'hello' }),
    'False InvalidSecret: Secret mail/keys can not be used: s1: it is no private key in PEM',
  ],
  [
    'a key that needs a passphrase',
    there({ s1: encrypted('pkcs8') }),
    's1: it is encrypted, and nobody here has its passphrase',
  ],
  ['a key that needs a passphrase, in the older form', there({ s1: encrypted('pkcs1') }), 's1: it is encrypted'],
  ['a key that is too short', there({ s1: pem(rsa(768).privateKey) }), 's1: it has 768 bits'],
  [
    'an algorithm that no receiver verifies',
    there({ s1: pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey) }),
    's1: it is of type ec',
  ],
  ['a selector that is no DNS name', there({ s_1: pem(edPair.privateKey) }), 's_1: the selector is no DNS name'],
  [
    'one selector twice',
    there({ s1: pem(edPair.privateKey), 's1.pem': pem(rsaPair.privateKey) }),
    'two keys are called s1',
  ],
  [
    'one selector in small letters and in capitals',
    there({ s1: pem(edPair.privateKey), S1: pem(rsaPair.privateKey) }),
    'two keys are called S1',
  ],
  [
    'five keys',
    there(Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`s${i}`, pem(edPair.privateKey)]))),
    'it has 5 keys, and 4 sign at most',
  ],
])('%s: it is told, and nothing changes for the relays', (_name, secret, message) => {
  expect(told(secret)).toEqual([expect.stringContaining(message)])
  expect(provided(secret).sign).toBeUndefined()
  expect(provided(secret).found[0]?.field).toBe('spec.dkim.secretRef')
})

test('no message has a private key, whatever is wrong with it', () => {
  const secret = pem(edPair.privateKey)
  const { pems: _, ...known } = provided(there({ s1: secret, 's 2': secret, s3: secret.replace('MC4', 'XXX') }))
  expect(known.found.length).toBeGreaterThan(0)
  expect(shownIn(JSON.stringify(known), [secret])).toEqual([])
})

test('a Secret of 6,000 keys is refused in less than 50 ms of CPU, whether the keys are provided or made', () => {
  const files = new Map(Array.from({ length: 6000 }, (_, i) => [`s${i}`, pem(edPair.privateKey)] as const))
  expect(told({ is: 'there', data: files })).toEqual([
    'False InvalidSecret: Secret mail/keys can not be used: it has 6000 keys, and 4 sign at most; correct what is wrong ' +
      '(until then the keys that the relays have go on signing)',
  ])
  expect(ownKeysIn('example.org', files)).toMatchObject({
    is: 'damaged',
    why: expect.stringMatching(/^it has 6000 keys/),
  })
  expect(leastCpuMs(2, () => [provided({ is: 'there', data: files }), ownKeysIn('example.org', files)])).toBeLessThan(
    50,
  )
})
