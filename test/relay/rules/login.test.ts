/** A login is accepted by the right key of a credential that may be used now and from there, else refused with the reason. */
import { expect, test } from 'vitest'
import { verifierOf } from '../../../relay/config.ts'
import { indexCredentials, judgeLogin, namedBy, proofOf } from '../../../relay/rules/login.ts'
import { credential, policy } from '../policy.ts'

const key = (id: string, password: string) => ({ id, verifier: verifierOf(password) })
const credentials = [
  credential({ name: 'team/app', username: 'app', keys: [key('k1', 'old'), key('k2', 'new')] }),
  credential({ name: 'team/other', username: 'other', keys: [key('k1', 'theirs')] }),
  credential({ name: 'team/early', username: 'early' }),
  credential({ name: 'team/paused', username: 'paused', keys: [key('k1', 'pw')], suspended: true }),
  credential({ name: 'team/expiring', username: 'expiring', keys: [key('k1', 'pw')], expiresAt: 1000 }),
  credential({ name: 'team/local', username: 'local', keys: [key('k1', 'pw')], networks: ['192.0.2.0/24'] }),
  credential({
    name: 'team/turning',
    username: 'turning',
    keys: [key('k2', 'new'), { ...key('k1', 'old'), notAfter: 1000 }],
  }),
  credential({ name: 'team/odd', username: 'odd', keys: [{ id: 'k1', verifier: '' }] }),
  credential({ name: 'team/plain', username: 'plain', keys: [{ id: 'k1', verifier: 'none-yet' }] }),
  credential({ name: 'team/loud', username: 'loud', keys: [{ id: 'k1', verifier: verifierOf('pw').toUpperCase() }] }),
]
const index = indexCredentials(policy({ credentials }))
const proof = (secret: string) => proofOf({ asksForTokens: false }, { secret, bearer: false }, 0)
const login = (username: string, password: string, over: object = {}) =>
  judgeLogin(index, { username, proof: proof(password), client: '198.51.100.7', now: 0, ...over })

test.each([
  ['with the first key', 'app', 'old', {}, 'team/app', 'k1'],
  ['case A12: with the second key', 'app', 'new', {}, 'team/app', 'k2'],
  ['with an old key in its last moment', 'turning', 'old', { now: 999 }, 'team/turning', 'k1'],
  ['with the key that follows an old one, when that has ended', 'turning', 'new', { now: 1000 }, 'team/turning', 'k2'],
  ['in the last moment before the credential expires', 'expiring', 'pw', { now: 999 }, 'team/expiring', 'k1'],
  ['from its network', 'local', 'pw', { client: '192.0.2.7' }, 'team/local', 'k1'],
  [
    'from its network, the IPv4 address being written as IPv6',
    'local',
    'pw',
    { client: '::ffff:192.0.2.7' },
    'team/local',
    'k1',
  ],
] as const)('a login is accepted: %s', (_name, username, password, over, name, id) => {
  expect(login(username, password, over)).toMatchObject({ kind: 'accepted', credential: { name }, key: id })
})

test.each([
  ['a username that nobody has', 'nobody', 'old', {}, 'unknown', 'always.password'],
  ['no username', '', 'old', {}, 'unknown', 'always.password'],
  [
    'a username that is a property of every object in JavaScript',
    'constructor',
    'old',
    {},
    'unknown',
    'always.password',
  ],
  ['a wrong password', 'app', 'older', {}, 'password', 'always.password'],
  ['no password', 'app', '', {}, 'password', 'always.password'],
  ["somebody else's password", 'app', 'theirs', {}, 'password', 'always.password'],
  ['the username in another letter case', 'APP', 'old', {}, 'unknown', 'always.password'],
  ['case A12: an old key after its end', 'turning', 'old', { now: 1000 }, 'password', 'always.password'],
  ['no password where the verifier is empty', 'odd', '', {}, 'password', 'always.password'],
  ['a verifier that is no hash, sent as the password', 'plain', 'none-yet', {}, 'password', 'always.password'],
  ['a verifier in upper case, which we never write', 'loud', 'pw', {}, 'password', 'always.password'],
  ['case A14: a credential without a key', 'early', 'old', {}, 'noKey', 'always.keys'],
  ['a suspended credential', 'paused', 'pw', {}, 'suspended', 'credential.suspended'],
  ['a suspended credential, and the password is wrong', 'paused', 'no', {}, 'password', 'always.password'],
  ['an expired credential', 'expiring', 'pw', { now: 1000 }, 'expired', 'credential.expiresAt'],
  ['an expired credential, and the password is wrong', 'expiring', 'no', { now: 1000 }, 'password', 'always.password'],
  ['from another network', 'local', 'pw', {}, 'network', 'credential.networks'],
  ['from another network, and the password is wrong', 'local', 'no', {}, 'password', 'always.password'],
  ['from an address that is not known', 'local', 'pw', { client: '' }, 'network', 'credential.networks'],
] as const)('a login is refused: %s', (_name, username, password, over, reason, rule) => {
  expect(login(username, password, over)).toMatchObject({ kind: 'refused', reason, refusal: { rule } })
})

test('a refused login names the credential that has the username, and repeats no username that nobody has', () => {
  expect(login('app', 'older')).toMatchObject({ credential: 'team/app' })
  expect(login('paused', 'pw')).toMatchObject({ credential: 'team/paused' })
  expect(login('hunter2', 'old')).not.toHaveProperty('credential')
})

test('an unknown name and a wrong password get the same reply', () => {
  const reply = (l: ReturnType<typeof login>) => (l.kind === 'refused' ? l.refusal.reply : undefined)
  expect(reply(login('nobody', 'x'))).toEqual(reply(login('app', 'x')))
  expect(reply(login('app', 'x'))).toMatchObject({ code: 535, status: '5.7.8' })
})

test('case A14: a client whose credential has no key yet is told to try again', () => {
  expect(login('early', 'x')).toMatchObject({ refusal: { reply: { code: 454, status: '4.7.0' } } })
})

test('every login compares the same number of keys, so that its time tells nothing', () => {
  const compared = [...index.byUsername.values()].map((entry) => entry.keys.length)
  expect(new Set([...compared, index.decoys.length])).toEqual(new Set([2]))
})

test('a fleet without credentials accepts nobody', () => {
  const none = indexCredentials(policy())
  const attempt = { username: 'app', proof: proof('old'), client: '198.51.100.7', now: 0 }
  expect(judgeLogin(none, attempt)).toMatchObject({ kind: 'refused', reason: 'unknown' })
})

test('a certificate name that two credentials list is a name of both, but not in a certificate of another authority', () => {
  const certificate = { caFile: 'ca/devices.crt', names: ['DNS:device.test'] }
  const [one, other] = ['team/one', 'team/other'].map((name) => credential({ name, username: name, certificate }))
  const named = indexCredentials(policy({ credentials: [one, other].flatMap((c) => c ?? []) }))
  const by = (authority: string) => [...namedBy(named, { authority, names: certificate.names }).keys()]
  expect(by('ca/devices.crt')).toEqual([one, other])
  expect(by('ca/others.crt')).toEqual([])
})
