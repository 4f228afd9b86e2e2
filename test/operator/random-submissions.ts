/** Random fleets and submissions to them, in which each rule about one message has something to refuse now and then. */
import fc from 'fast-check'
import type { Name, Snapshot } from '../../operator/compile/snapshot.ts'
import { verifierOf } from '../../relay/config.ts'
import { credential, domain, policy, snapshot } from '../compile/big-world.ts'

export const password = 'of-a-random-credential'

const oneIn =
  (many: number) =>
  <T>(usual: T, odd: readonly T[]): fc.Arbitrary<T> =>
    fc.oneof({ weight: many - 1, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
/** The usual value, and now and then one that is odd: there are many fields, and few of a submission are to be. */
const mostly = oneIn(9)
/** For what ends a dialog early, so that most of them come to their end. */
const nearlyAlways = oneIn(30)

const enforcement = mostly('Enforce', ['Audit'])

const throttles = fc.record({
  scope: fc.constantFrom(['Credential'], ['Namespace'], ['SenderDomain'], ['Credential', 'SenderDomain']),
  burst: fc.integer({ min: 1, max: 3 }),
  action: fc.constantFrom('Reject', 'Audit'),
})

const policies = fc.record({
  suspended: nearlyAlways(false, [true]),
  bareNewlines: fc.constantFrom('Reject', 'Normalise'),
  networks: nearlyAlways<object>({}, [
    { deny: ['127.0.0.9/32'] },
    { allow: ['127.0.0.0/24'] },
    { allow: ['2001:db8::/32'] },
  ]),
  limits: fc.record({ recipientsPerMessage: mostly(100, [1, 2]), messageSize: mostly('25Mi', ['300']) }),
  senderRules: fc.record({
    envelopeFrom: fc.record({ enforcement }),
    headerFrom: fc.record({ enforcement, displayNameAddress: mostly('Reject', ['Allow']) }),
    alignment: fc.record({ enforcement, mode: fc.constantFrom('Strict', 'Organizational') }),
    nullReversePath: fc.constantFrom('Deny', 'AllowForCredential'),
  }),
  recipients: mostly<object>({ mode: 'Unrestricted' }, [
    { mode: 'AllowList', allow: { domains: ['partner.example'], addresses: ['Two@elsewhere.example'] } },
    { mode: 'Redirect', redirectTo: 'qa@example.com' },
    { mode: 'Capture' },
  ]),
  throttles: fc.array(throttles, { maxLength: 2 }),
})

const domains = fc.record({
  includeSubdomains: fc.boolean(),
  localParts: mostly<readonly string[]>([], [['app', 'Billing-*']]),
  action: fc.constantFrom('Warn', 'Defer', 'Refuse'),
  trouble: mostly('none', ['records', 'no key']),
})

const credentials = fc.record({
  identities: mostly<object>({}, [{ addresses: ['App@example.org', 'app@example.net'] }]),
  networks: nearlyAlways<object>({}, [{ allow: ['127.0.0.0/24'] }, { allow: ['198.51.100.0/24'] }]),
  recipients: mostly<object>({}, [{ domains: ['elsewhere.example'] }]),
  limits: fc.constantFrom<object>({}, {}, {}, { limits: { daily: 2 } }, { limits: { rate: { count: 2, per: '1h' } } }),
  suspended: nearlyAlways(false, [true]),
  expires: nearlyAlways<object>({}, [{ expiresAt: '2020-01-01T00:00:00Z' }, { expiresAt: '2999-01-01T00:00:00Z' }]),
})

/** By the number of the SenderDomain. The third is below the first, which has it where that includes its subdomains. */
const domainNames = ['example.org', 'example.net', 'team.example.org', 'xn--bcher-kva.example']

export const fleets = fc.record({
  policy: policies,
  credential: credentials,
  domains: fc.tuple(domains, domains, domains, domains),
  /** The SenderDomains that the credential names beside the first. */
  others: fc.subarray([1, 2, 3]),
})
type Fleet = typeof fleets extends fc.Arbitrary<infer T> ? T : never

/** `number` is in all names that are counted by: a fleet has nothing to do with what another one has let pass. */
export function snapshotOf(fleet: Fleet, number: number): Snapshot {
  const { bareNewlines, networks, limits, throttles: some, ...rules } = fleet.policy
  const { limits: own, expires, ...narrowing } = fleet.credential
  const shared = { namespace: 'mail', name: 'shared' }
  const app = { namespace: `team-${number}`, name: 'app' }
  const name: Name = `${app.namespace}/${app.name}`
  const domainAt = (i: number) => ({ namespace: 'mail', name: `domain-${i}` })
  const having = (what: string): readonly Name[] =>
    fleet.domains.flatMap(({ trouble }, i): readonly Name[] => (trouble === what ? [`mail/domain-${i}`] : []))
  return snapshot({
    place: { listenAddress: '127.0.0.1', clientHost: '127.0.0.1', lowPorts: false, relays: 1 },
    policies: [
      policy(shared, {
        ...rules,
        listeners: [{ name: 'submission', port: 2525, bareNewlines }],
        admission: { credentials: { namespaces: { from: 'All' } }, networks, limits },
        throttles: some.map((t, i) => ({ ...t, name: `throttle-${number}-${i}`, rate: { count: 2, per: '1h' } })),
      }),
    ],
    domains: fleet.domains.map(({ includeSubdomains, localParts, action, trouble }, i) =>
      domain(domainAt(i), {
        ...{ domain: domainNames[i], includeSubdomains, localParts, whenBroken: { action } },
        ...(trouble === 'no key' && { dkim: {} }),
      }),
    ),
    credentials: [
      credential(app, {
        ...{ ...narrowing, ...own, ...expires },
        policyRef: shared,
        senderDomainRefs: [0, ...fleet.others].map(domainAt),
      }),
    ],
    bindingKeys: new Map([
      [name, { username: `app.${app.namespace}`, keys: [{ id: 'k1', verifier: verifierOf(password) }] }],
    ]),
    brokenRecords: new Map(having('records').map((name) => [name, ['TXT example.org']])),
    domainKeys: new Map(having('no key').map((name) => [name, { sign: [], keys: [], found: [] }])),
  })
}

const locals = mostly('app', ['APP', 'billing-1', 'app+tag', 'you', '"app"', '"a b"', 'a%b', 'jörg', 'a..b', '=?x'])
const noMailbox = fc.constantFrom(
  'nonsense',
  'Postmaster',
  'a b@example.org',
  '@a.example:b@example.org',
  '"a@b.example',
)
const mailboxes = (local: fc.Arbitrary<string>, domain: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 29, arbitrary: fc.tuple(local, domain).map(([its, at]) => `${its}@${at}`) },
    { weight: 1, arbitrary: noMailbox },
  )

const senders = mailboxes(
  locals,
  mostly('example.org', [
    ...['EXAMPLE.org', 'example.net', 'team.example.org', 'a.team.example.org', 'evilexample.org', 'other.example'],
    ...['xn--bcher-kva.example', 'bücher.example', 'BÜCHER.example', 'example', '[127.0.0.1]', 'example.org.'],
  ]),
)
const recipients = mailboxes(
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom('one', 'two', 'three', 'four') }, locals),
  mostly('elsewhere.example', [
    'partner.example',
    'Partner.Example',
    'bücher.example',
    'xn--bcher-kva.example',
    'local',
  ]),
)

const displayNames = mostly('', [
  ...['App ', '"App" ', '"ceo@other.example" ', '"app@example.org" ', 'ceo@other.example ', '"ceo@other.example>," '],
  ...['=?utf-8?q?ceo=40other.example?= ', '=?utf-8?q?a=00b?= ', '=?utf-8?b?w7w=?= '],
])
const moreFields = mostly('', [
  ...['Sender: <app@example.org>', 'Sender: <ceo@other.example>', 'Resent-From: <ceo@other.example>', 'Subject: Grüße'],
  ...['From: <app@example.org>', 'X : y', ' From: <ceo@other.example>', 'Bcc: you@elsewhere.example'],
  ...['Received: here\r\n'.repeat(51), 'X: y\r\n'.repeat(1000), `X: ${'y'.repeat(102_400)}`].map(
    (text) => `${text}X: y`,
  ),
])
const bodies = mostly('\r\nbody\r\n', [
  ...['', '\r\n', '\r\n.\r\n..two\r\n', '\r\na\0b\r\n', '\r\na\nb\r\n', 'a\rb\r\n', `\r\n${'y'.repeat(400)}\r\n`],
])

export const submissions = fc
  .record({
    client: mostly('127.0.0.1', ['127.0.0.9', '127.1.0.1']),
    reversePath: fc.oneof({ weight: 15, arbitrary: senders }, { weight: 1, arbitrary: fc.constant('') }),
    forwardPaths: fc.array(recipients, { minLength: 1, maxLength: 4, size: 'max' }),
    /** The visible From; undefined: the reverse-path. */
    from: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: senders }),
    displayName: displayNames,
    hasFrom: mostly(true, [false]),
    more: moreFields,
    body: bodies,
  })
  .map(({ from, displayName, hasFrom, more, body, ...envelope }) => {
    const visible = hasFrom ? `From: ${displayName}<${from ?? envelope.reversePath}>\r\n` : ''
    const message = Buffer.from(`${visible}${more === '' ? '' : `${more}\r\n`}${body === '' ? 'X: y\r\n' : body}`)
    return { ...envelope, message }
  })
export type Submitted = typeof submissions extends fc.Arbitrary<infer T> ? T : never
