/** A login that was accepted ends in the moment in which anything ends that it rests on, though it is not judged anew until then. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type CredentialConfig, verifierOf } from '../../../relay/config.ts'
import { loginInForce } from '../../../relay/inbound/auth.ts'
import type { Inbound } from '../../../relay/inbound/inbound.ts'
import { newSession, type SessionLogin } from '../../../relay/inbound/session.ts'
import { type CredentialIndex, digestOf, indexCredentials, judgeLogin, type Proof } from '../../../relay/rules/login.ts'
import { liveBytes } from '../live-memory.ts'
import { credential, policy } from '../policy.ts'

const key = { id: 'k1', verifier: verifierOf('pw') }
const byPassword = { by: 'secret', digest: digestOf(key.verifier), token: 'forged' } as const
const anHour = { notBefore: 1_000_000, notAfter: 4_600_000 }
const byToken = {
  by: 'secret',
  token: { keyId: 't1', serviceAccount: 'team/app', notBefore: anHour.notBefore, expiresAt: anHour.notAfter },
} as const
const byCertificate = {
  by: 'certificate',
  certificate: { authority: 'ca.crt', anchors: ['a1'], names: ['DNS:app.test'], ...anHour },
} as const

const app = (over: Partial<CredentialConfig>): CredentialConfig =>
  credential({ name: 'team/app', username: 'app', ...over })
const withKey = (over: Partial<CredentialConfig> = {}) => app({ keys: [key], ...over })
const withToken = (over: Partial<CredentialConfig> = {}) => app({ serviceAccounts: ['team/app'], ...over })
const withCertificate = (over: Partial<CredentialConfig> = {}) =>
  app({ certificate: { caFile: 'ca.crt', names: ['DNS:app.test'] }, ...over })

type Ground = { readonly tokenKeys: readonly string[]; readonly anchors: readonly string[] }
const allGround: Ground = { tokenKeys: ['t1'], anchors: ['a1'] }

/** The index that a relay makes of a configuration with this one credential, or with none. */
const indexOf = (one: CredentialConfig | undefined, { tokenKeys, anchors }: Ground = allGround): CredentialIndex => ({
  ...indexCredentials(policy({ credentials: one === undefined ? [] : [one] }), new Map([['ca.crt', new Set(anchors)]])),
  issuer: { issuer: 'i', audience: 'a', keys: new Map(tokenKeys.map((id) => [id, {} as never])) },
})

const owner = { rank: 'credential', name: 'team/app' } as const
const loggedIn = (proof: Proof): SessionLogin => ({
  ...{ username: 'app', proof, credential: owner.name, owner },
  judged: undefined,
})

/** A session that logged in by this proof. */
function session(proof: Proof, first: CredentialIndex, at = 2_000_000) {
  const facts = { index: first, now: at }
  const note = vi.fn()
  const revisions: CredentialIndex[] = []
  const inForce = () => {
    if (revisions.at(-1) !== facts.index) revisions.push(facts.index)
    return { index: facts.index, revision: revisions.length }
  }
  const inbound = { inForce, now: () => facts.now, keyUses: { note } } as unknown as Inbound
  const known = loggedIn(proof)
  const own = newSession({ id: 's', listener: 'l', client: '192.0.2.1' })
  return { facts, note, known, login: () => loginInForce(inbound, own, known) }
}

test.each([
  ['a key', byPassword, withKey({ keys: [{ ...key, notAfter: 5_000_000 }] }), 5_000_000, 'always.passwordEnded'],
  ['a credential with a password', byPassword, withKey({ expiresAt: 3_000_000 }), 3_000_000, 'credential.expiresAt'],
  ['a token, 30 s late for the skew of clocks', byToken, withToken(), 4_630_000, 'always.tokenExpired'],
  ['a credential with tokens', byToken, withToken({ expiresAt: 3_000_000 }), 3_000_000, 'credential.expiresAt'],
  ['a certificate', byCertificate, withCertificate(), 4_600_001, 'always.clientCertificateEnded'],
  [
    'a credential with certificates',
    byCertificate,
    withCertificate({ expiresAt: 3_000_000 }),
    3_000_000,
    'credential.expiresAt',
  ],
] as const)('a login ends in the moment in which its time is over, be it that of %s', (_name, proof, one, end, rule) => {
  const { facts, login } = session(proof, indexOf(one))
  for (const now of [2_000_000, 2_000_001, end - 1]) {
    facts.now = now
    expect(login()).toMatchObject({ kind: 'accepted', credential: { name: 'team/app' } })
  }
  facts.now = end
  expect(login()).toMatchObject({ kind: 'refused', refusal: { rule } })
})

test.each([
  [
    'the key',
    byPassword,
    withKey(),
    indexOf(withKey({ keys: [{ id: 'k2', verifier: verifierOf('another') }] })),
    'always.passwordEnded',
  ],
  ['every key', byPassword, withKey(), indexOf(app({})), 'always.keys'],
  ['the credential', byPassword, withKey(), indexOf(undefined), 'always.password'],
  [
    'the right to use the credential',
    byPassword,
    withKey(),
    indexOf(withKey({ suspended: true })),
    'credential.suspended',
  ],
  ['its network', byPassword, withKey(), indexOf(withKey({ networks: ['198.51.100.0/24'] })), 'credential.networks'],
  ['the password, and gives tokens instead', byPassword, withKey(), indexOf(withToken()), 'always.password'],
  [
    'the key of the issuer',
    byToken,
    withToken(),
    indexOf(withToken(), { ...allGround, tokenKeys: [] }),
    'always.tokenKeys',
  ],
  [
    'the service account',
    byToken,
    withToken(),
    indexOf(withToken({ serviceAccounts: ['team/b'] })),
    'credential.serviceAccounts',
  ],
  [
    'the authority',
    byCertificate,
    withCertificate(),
    indexOf(withCertificate(), { ...allGround, anchors: [] }),
    'always.clientCertificateEnded',
  ],
  [
    'the name',
    byCertificate,
    withCertificate(),
    indexOf(withCertificate({ certificate: { caFile: 'ca.crt', names: [] } })),
    'credential.clientCertificate',
  ],
] as const)('a login ends at once with a configuration that takes away %s', (_name, proof, one, next, rule) => {
  const { facts, login } = session(proof, indexOf(one))
  expect(login()).toMatchObject({ kind: 'accepted' })
  expect(login()).toMatchObject({ kind: 'accepted' })
  facts.index = next
  expect(login()).toMatchObject({ kind: 'refused', refusal: { rule } })
  facts.index = indexOf(one)
  expect(login()).toMatchObject({ kind: 'accepted' })
})

test.each([
  ['a token', byToken, withToken(), 969_999],
  ['a certificate', byCertificate, withCertificate(), 999_999],
] as const)('a clock that is set back to before the begin of %s ends the login', (_name, proof, one, before) => {
  const { facts, login } = session(proof, indexOf(one))
  expect(login()).toMatchObject({ kind: 'accepted' })
  facts.now = before
  expect(login()).toMatchObject({ kind: 'refused' })
})

test('of two keys with one password the first that is valid is used, also after the clock was set back', () => {
  const keys = [
    { ...key, notAfter: 2_000_000 },
    { ...key, id: 'k2' },
  ]
  const { facts, login } = session(byPassword, indexOf(withKey({ keys })))
  expect(login()).toMatchObject({ key: 'k2' })
  facts.now = 1_999_999
  expect(login()).toMatchObject({ key: 'k1' })
  facts.now = 2_000_000
  expect(login()).toMatchObject({ key: 'k2' })
})

test('a key is noted as used each time that its login is asked for', () => {
  const { login, note } = session(byPassword, indexOf(withKey()))
  for (let n = 0; n < 3; n++) login()
  expect(note.mock.calls).toEqual(Array.from({ length: 3 }, () => ['team/app', 'k1', '192.0.2.1']))
})

test('sessions that say nothing more keep nothing in memory of the configurations by which they were judged (case R19)', () => {
  const others = Array.from({ length: 1000 }, (_, n) => withKey({ name: `team/other-${n}`, username: `other-${n}` }))
  const own = newSession({ id: 's', listener: 'l', client: '192.0.2.1' })
  const before = liveBytes()
  const sessions = Array.from({ length: 50 }, (_, revision) => {
    const index = indexCredentials(policy({ credentials: [withKey(), ...others.map((one) => ({ ...one }))] }))
    const inForce = { index, revision }
    const inbound = { inForce: () => inForce, now: () => 0, keyUses: { note() {} } } as unknown as Inbound
    const known = loggedIn(byPassword)
    expect(loginInForce(inbound, own, known)).toMatchObject({ kind: 'accepted' })
    return known
  })
  expect(liveBytes() - before).toBeLessThan(2_000_000)
  expect(sessions).toHaveLength(50)
})

test('whatever the clock and the configuration do, an open session is judged as if it logged in just now', () => {
  const ends = fc.constantFrom(undefined, 2_000_000, 3_000_000, 4_600_000)
  const grounds = fc.record({
    tokenKeys: fc.constantFrom(['t1'], []),
    anchors: fc.constantFrom(['a1'], []),
  })
  const keys = fc.array(
    fc.record({ id: fc.constantFrom('k1', 'k2'), verifier: fc.constantFrom(key.verifier, 'x'), notAfter: ends }),
    { maxLength: 3 },
  )
  const one = fc.oneof(
    fc.record({ keys, expiresAt: ends, suspended: fc.boolean() }).map((over) => withKey(over as object)),
    fc.record({ expiresAt: ends }).map((over) => withToken(over as object)),
    fc.record({ expiresAt: ends }).map((over) => withCertificate(over as object)),
  )
  const steps = fc.array(
    fc.record({
      now: fc.constantFrom(
        0,
        969_999,
        970_000,
        1_000_000,
        1_999_999,
        2_000_000,
        3_000_000,
        4_600_000,
        4_600_001,
        4_629_999,
        4_630_000,
      ),
      next: fc.option(fc.tuple(one, grounds), { nil: undefined, freq: 3 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  fc.assert(
    fc.property(fc.constantFrom(byPassword, byToken, byCertificate), one, steps, (proof, first, all) => {
      const { facts, known, login } = session(proof, indexOf(first))
      for (const { now, next } of all) {
        facts.now = now
        if (next) facts.index = indexOf(...next)
        const fresh = judgeLogin(facts.index, { username: 'app', proof, client: '192.0.2.1', now })
        const said = login()
        expect(said).toMatchObject(
          fresh.kind === 'accepted'
            ? { kind: 'accepted', credential: fresh.credential, key: fresh.key, until: fresh.until }
            : { kind: 'refused', reason: fresh.reason },
        )
        expect(known.judged === undefined).toBe(fresh.kind === 'refused')
      }
    }),
    { numRuns: 2_000 },
  )
})
