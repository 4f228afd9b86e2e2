/** A client that proves nothing gets the same reply for every username: it learns neither which exist nor what they ask for. */
import { expect, test } from 'vitest'
import { type RelayConfig, verifierOf } from '../../../relay/config.ts'
import { refusal } from '../../../relay/mail/rule.ts'
import { indexCredentials, judgeLogin, proofOf } from '../../../relay/rules/login.ts'
import { credential, policy } from '../policy.ts'
import { newKey, part, signed, tokenNamed, tokensConfig } from '../tokens.ts'

/** A password that happens to have the form of a token of our issuer, by a key that nobody knows. */
const likeAToken = signed(newKey)
const key = (password: string) => ({ id: 'k1', verifier: verifierOf(password) })
const others = [
  credential({ name: 'team/app', username: 'app', keys: [key('right')] }),
  credential({ name: 'team/paused', username: 'paused', keys: [key('right')], suspended: true }),
  credential({ name: 'team/over', username: 'over', keys: [key('right')], expiresAt: 1 }),
  credential({ name: 'team/local', username: 'local', keys: [key('right')], networks: ['192.0.2.0/24'] }),
  credential({ name: 'team/odd', username: 'odd', keys: [key(likeAToken)] }),
  credential({ name: 'team/device', username: 'device', certificate: { caFile: 'ca.crt', names: ['DNS:a.example'] } }),
]
const web = credential({ name: 'team/web', username: 'web', serviceAccounts: ['apps/web'] })
const usernames = ['nobody', '', 'constructor', 'web', ...others.map((c) => c.username)]

const fleets = {
  'takes tokens': policy({ credentials: [...others, web], tokens: tokensConfig }),
  'waits for the keys of its issuer': policy({ credentials: [...others, web] }),
  'takes no tokens': policy({ credentials: others }),
} satisfies Readonly<Record<string, RelayConfig>>
type Fleet = keyof typeof fleets

const now = Date.now()
function login(fleet: Fleet, username: string, secret: string, bearer = false) {
  const index = indexCredentials(fleets[fleet])
  const proof = proofOf(index, { secret, bearer }, now)
  return judgeLogin(index, { username, proof, client: '198.51.100.7', now })
}

const failed = 'always.password'
const later = 'always.tokenKeys'
const ours = part({ iss: tokensConfig.issuer })
const byUnknownKey = part({ alg: 'RS256', kid: 'zz' })

const unproven = [
  ['a wrong password', 'wrong', failed, failed, failed],
  ['an empty secret', '', failed, failed, failed],
  ['a token without a signature', tokenNamed('unsigned'), failed, failed, failed],
  ['two of the three parts of a token', `${byUnknownKey}.${ours}`, failed, failed, failed],
  ['a token for another audience', tokenNamed('foreignAudience'), failed, later, failed],
  ['a token with a forged signature', signed(newKey, undefined, { alg: 'RS256', kid: 'rsa' }), failed, later, failed],
  ['a token by an unknown key', `${byUnknownKey}.${ours}.AAAA`, later, later, failed],
  ['a token of another issuer', `${byUnknownKey}.${part({ iss: 'https://a.example' })}.AAAA`, failed, later, failed],
] as const

const cases = unproven.flatMap(([what, secret, ...rules]) =>
  (Object.keys(fleets) as Fleet[]).flatMap((fleet, i) =>
    [false, true].map((bearer) => ({ what, secret, fleet, bearer, rule: rules[i] ?? failed })),
  ),
)

test.each(cases)('case A21: $what, bearer $bearer, where the fleet $fleet: the same reply for every username', ({
  rule,
  ...shown
}) => {
  const said = usernames.map((username) => {
    const judged = login(shown.fleet, username, shown.secret, shown.bearer)
    return judged.kind === 'refused' ? judged.refusal : judged.kind
  })
  expect(said).toEqual(usernames.map(() => refusal(rule)))
})

test('case A21: for a credential without a password yet, a bearer token is refused as wrong, and a password told to try again', () => {
  const index = indexCredentials(policy({ credentials: [credential({ name: 'team/early', username: 'early' })] }))
  const said = [true, false].map((bearer) => {
    const proof = proofOf(index, { secret: 'x', bearer }, now)
    const judged = judgeLogin(index, { username: 'early', proof, client: '198.51.100.7', now })
    return judged.kind === 'refused' && judged.refusal
  })
  expect(said).toEqual([refusal(failed), refusal('always.keys')])
})

test('the log gets the exact reason, whatever the reply says', () => {
  const reasons = (secret: string) =>
    ['nobody', 'app', 'web', 'device'].map((username) => {
      const judged = login('takes tokens', username, secret)
      return judged.kind === 'refused' && judged.reason
    })
  expect(reasons('wrong')).toEqual(['unknown', 'password', 'token', 'certificate'])
  expect(reasons(likeAToken)).toEqual(['unknown', 'password', 'tokenKey', 'certificate'])
})

test.each(
  Object.keys(fleets) as Fleet[],
)('where the fleet %s, a right password logs in, whatever its form', (fleet) => {
  expect(login(fleet, 'app', 'right')).toMatchObject({ kind: 'accepted', key: 'k1' })
  expect(login(fleet, 'odd', likeAToken)).toMatchObject({ kind: 'accepted', key: 'k1' })
  expect(login(fleet, 'odd', likeAToken, true)).toMatchObject({ kind: 'refused', reason: 'password' })
})

test('a client whose secret is right, but does not suffice, is told what is wrong', () => {
  const said = (username: string, secret: string) => {
    const judged = login('takes tokens', username, secret)
    return judged.kind === 'refused' && [judged.reason, judged.refusal.rule]
  }
  expect(said('web', tokenNamed('expired'))).toEqual(['tokenExpired', 'always.token'])
  expect(said('web', tokenNamed('ofAnotherAccount'))).toEqual(['serviceAccount', 'credential.serviceAccounts'])
  expect(said('paused', 'right')).toEqual(['suspended', 'credential.suspended'])
  expect(said('over', 'right')).toEqual(['expired', 'credential.expiresAt'])
  expect(said('local', 'right')).toEqual(['network', 'credential.networks'])
})

test('a token that was good when its session began counts no longer once the fleet takes no tokens of its issuer', () => {
  const proof = proofOf(indexCredentials(fleets['takes tokens']), { secret: tokenNamed('good'), bearer: true }, now)
  const reasons = (Object.keys(fleets) as Fleet[]).map((fleet) => {
    const judged = judgeLogin(indexCredentials(fleets[fleet]), { username: 'web', proof, client: '198.51.100.7', now })
    return judged.kind === 'refused' ? judged.reason : judged.kind
  })
  expect(reasons).toEqual(['accepted', 'tokenKey', 'unknown'])
})
