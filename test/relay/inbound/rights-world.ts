/** What the owners of a small fleet declare, in a few plain words; how they change their minds; and what a relay is told of it. */
import fc from 'fast-check'
import { type CredentialConfig, type RelayConfig, verifierOf } from '../../../relay/config.ts'
import { policy, sender, senderRules } from '../policy.ts'
import { keys, publicPart, tokensConfig } from '../tokens.ts'

export const names = ['app', 'other', 'web', 'device', 'printer'] as const
export type Name = (typeof names)[number]
export const issuerKeys = { first: keys.p256, second: keys.p384, third: keys.p521 } as const
export type IssuerKey = keyof typeof issuerKeys
/** Which of the two authorities of clients, and which of the two certificates that listeners show. */
export type Authority = 'own' | 'other'
export type Shown = 'first' | 'second'

export type Proof =
  | { readonly by: 'password'; readonly keys: readonly { readonly password: string; readonly until?: number }[] }
  | { readonly by: 'token'; readonly accounts: readonly string[] }
  | { readonly by: 'certificate'; readonly names: readonly string[] }

/** What one application may do; times are milliseconds since the epoch. */
export type Person = {
  readonly proof: Proof
  readonly suspended: boolean
  readonly until?: number
  /** Its networks have the address of our clients in them. */
  readonly isNear: boolean
  readonly domains: readonly string[]
  /** Empty: every one. */
  readonly localParts: readonly string[]
  /** Domains; empty: every one. */
  readonly recipients: readonly string[]
  readonly daily: number | undefined
}

export type World = {
  readonly suspended: boolean
  readonly network: 'any' | 'allowed' | 'not allowed' | 'denied'
  readonly asks: 'nobody' | 'Optional' | 'Required'
  readonly authorities: readonly Authority[]
  readonly shows: Shown
  readonly messageBytes: number
  readonly recipientsPerMessage: number
  readonly messagesPerConnection: number
  readonly connectionsPerClient: number
  readonly nullReversePath: boolean
  /** What the rules on senders would refuse passes, and is told. */
  readonly audits: boolean
  readonly alignment: 'Strict' | 'Organizational'
  readonly mode: RelayConfig['recipients']['mode']
  readonly issuer: readonly IssuerKey[] | undefined
  /** Sender domains whose records are broken, and whose owner wants no mail taken. */
  readonly broken: readonly string[]
  readonly hasStore: boolean
  readonly route: string
  readonly people: Readonly<Partial<Record<Name, Person>>>
}

/** What stays the same for as long as a story lasts; a rate is for a minute, and its burst the same number. */
export type Pace = {
  readonly rate: number | undefined
  readonly throttle:
    | {
        readonly scope: NonNullable<RelayConfig['throttles']>[number]['scope']
        readonly rate: number
        readonly burst: number
        readonly action: 'Reject' | 'Audit'
      }
    | undefined
}

export const minuteMs = 60_000
const dayMs = 1_440 * minuteMs
/** Ten minutes before midnight. Of tomorrow: so no certificate ends by the clock of this machine, which TLS goes by. */
export const startsAt = Math.floor(Date.now() / dayMs + 2) * dayMs - 10 * minuteMs
export const relays = 2
/** By timers that the test moves: longer than it lets go by where no answer is to be late. */
export const storeTimeoutMs = 100_000

export const listed = ['elsewhere.example']
export const redirectTo = 'qa@redirect.example'
export const passwords = ['first-secret-0123456789', 'second-secret-0123456789'] as const

const person = (proof: Proof, over: Partial<Person> = {}): Person => ({
  ...{ proof, suspended: false, isNear: true, domains: ['corp.example'], localParts: [], recipients: [] },
  ...{ daily: undefined, ...over },
})
const byPassword = (...all: readonly string[]): Proof => ({
  by: 'password',
  keys: all.map((password) => ({ password })),
})

const people: Readonly<Record<Name, Person>> = {
  app: person(byPassword(passwords[0]), { daily: 5 }),
  other: person(byPassword(passwords[0], passwords[1]), { domains: ['team-b.example'] }),
  web: person({ by: 'token', accounts: ['apps/web'] }, { daily: 4 }),
  device: person({ by: 'certificate', names: ['DNS:device.corp.example'] }, { daily: 4 }),
  printer: person({ by: 'certificate', names: ['DNS:printer.corp.example'] }),
}

export const firstWorld: World = {
  ...{ suspended: false, network: 'allowed', asks: 'Optional', authorities: ['own'], shows: 'first' },
  ...{ messageBytes: 4_000, recipientsPerMessage: 3, messagesPerConnection: 4, connectionsPerClient: 50 },
  ...{ nullReversePath: true, audits: false, alignment: 'Organizational', mode: 'Unrestricted' },
  ...{ issuer: ['first'], broken: [], hasStore: true, route: 'a.example', people },
}

/** One change of one object, or that all is as it was in the beginning. */
export type Edit =
  | { readonly of: 'all' }
  | { readonly of: 'fleet'; readonly to: Partial<World> }
  | { readonly of: Name; readonly to: Partial<Person> | 'gone' }

export function edited(world: World, edit: Edit): World {
  if (edit.of === 'all') return { ...firstWorld, hasStore: world.hasStore }
  if (edit.of === 'fleet') return { ...world, ...edit.to }
  const { [edit.of]: before = people[edit.of], ...others } = world.people
  return { ...world, people: edit.to === 'gone' ? others : { ...others, [edit.of]: { ...before, ...edit.to } } }
}

const soon = startsAt + 2 * minuteMs
const later = startsAt + 20 * minuteMs
const ofFleet: readonly Partial<World>[] = [
  ...([{ suspended: true }, { network: 'any' }, { network: 'denied' }, { network: 'not allowed' }] as const),
  ...([{ asks: 'nobody' }, { asks: 'Required' }, { asks: 'Optional' }] as const),
  ...([{ authorities: ['other'] }, { authorities: ['own', 'other'] }, { shows: 'second' }] as const),
  ...[{ messageBytes: 300 }, { recipientsPerMessage: 1 }, { messagesPerConnection: 1 }, { connectionsPerClient: 1 }],
  ...([{ nullReversePath: false }, { audits: true }, { alignment: 'Strict' }] as const),
  ...([{ mode: 'AllowList' }, { mode: 'Capture' }, { mode: 'Redirect' }] as const),
  ...([
    { issuer: undefined },
    { issuer: [] },
    { issuer: ['first', 'second'] },
    { issuer: ['second', 'third'] },
  ] as const),
  ...[{ broken: ['corp.example'] }, { route: 'b.example' }, { hasStore: false }, { hasStore: true }],
]
const proofs: readonly Proof[] = [
  ...[byPassword(), byPassword(passwords[0]), byPassword(passwords[1]), byPassword(passwords[1], passwords[0])],
  { by: 'password', keys: [{ password: passwords[0], until: soon }, { password: passwords[1] }] },
  {
    by: 'password',
    keys: [
      { password: passwords[0], until: soon },
      { password: passwords[0], until: later },
    ],
  },
  ...[['apps/web'], ['apps/other'], ['apps/other', 'apps/web']].map((accounts) => ({ by: 'token', accounts }) as const),
  ...[['DNS:device.corp.example'], ['DNS:printer.corp.example', 'DNS:device.corp.example']].map(
    (of) => ({ by: 'certificate', names: of }) as const,
  ),
]
const ofPerson: readonly (Partial<Person> | 'gone')[] = [
  ...(['gone', 'gone', { suspended: true }, { until: soon }, { until: later }, { isNear: false }] as const),
  ...[{ domains: [] }, { domains: ['team-b.example'] }, { domains: ['mail.corp.example', 'corp.example'] }],
  ...[{ localParts: ['noreply'] }, { recipients: ['partner.example'] }],
  ...[{ daily: 1 }, { daily: 3 }, { daily: 100 }, { daily: undefined }],
]
const ofOne = fc.oneof(
  fc.constantFrom(...ofPerson),
  fc.constantFrom(...proofs).map((proof) => ({ proof })),
)
/** Of the one whom a story is about more often than of the others, so that changes meet those who are there. */
export const editNear = (...near: readonly Name[]): fc.Arbitrary<Edit> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant({ of: 'all' } as const) },
    { weight: 4, arbitrary: fc.constantFrom(...ofFleet).map((to) => ({ of: 'fleet', to }) as const) },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom(...near, ...near, ...names), ofOne).map(([of, to]) => ({ of, to })),
    },
  )

const networks: Readonly<Record<World['network'], RelayConfig['networks']>> = {
  any: { allow: [], deny: [] },
  allowed: { allow: ['127.0.0.0/8'], deny: ['192.0.2.0/24'] },
  'not allowed': { allow: ['192.0.2.0/24'], deny: [] },
  denied: { allow: ['127.0.0.0/8'], deny: ['127.0.0.1'] },
}
const tls = { minVersion: '1.2', certificateFile: 'tls.crt', keyFile: 'tls.key' } as const

/** The relays' configuration; `port`: where their store listens. */
export function configOf(world: World, { rate, throttle }: Pace, port: number): RelayConfig {
  const asking = world.asks === 'nobody' ? {} : { clientCertificates: { mode: world.asks, caFile: 'clients.crt' } }
  const local = { ...asking, address: '127.0.0.1', port: 0, bareNewlines: 'Reject' } as const
  const enforcement = world.audits ? 'Audit' : 'Enforce'
  const store = { host: '127.0.0.1', port, database: 0, timeoutMs: storeTimeoutMs, tls: { mode: 'Disabled' } } as const
  const perMinute = (count: number) => ({ count, perMs: minuteMs })
  const { messageBytes, recipientsPerMessage, messagesPerConnection, connectionsPerClient } = world
  return policy({
    suspended: world.suspended,
    listeners: [
      { ...local, name: 'submission', tls: { ...tls, mode: 'StartTLS' } },
      { ...local, name: 'submissions', tls: { ...tls, mode: 'Implicit' } },
    ],
    networks: networks[world.network],
    authFailures: { max: 1_000_000, perMs: 1000, lockoutMs: 1000 },
    limits: { messageBytes, recipientsPerMessage, messagesPerConnection, connectionsPerClient, transactionMs: 1e9 },
    senderRules: senderRules({
      envelopeFrom: { enforcement },
      headerFrom: { enforcement, displayNameAddress: 'Reject' },
      alignment: { enforcement, mode: world.alignment },
      nullReversePath: world.nullReversePath ? 'AllowForCredential' : 'Deny',
    }),
    recipients: {
      mode: world.mode,
      domains: world.mode === 'AllowList' ? listed : [],
      addresses: [],
      ...(world.mode === 'Redirect' && { redirectTo }),
    },
    credentials: Object.entries(world.people).map(([name, one]) => credentialOf(name, one, rate)),
    ...(world.issuer && {
      tokens: { ...tokensConfig, keys: world.issuer.map((key) => publicPart(issuerKeys[key])) },
    }),
    brokenDomains: world.broken.map((domain) => ({
      ...{ senderDomain: `mail/${domain}`, domain, action: 'Refuse' as const, records: [`TXT ${domain}`] },
    })),
    ...(throttle && {
      throttles: [{ ...throttle, name: 'shared', scope: [...throttle.scope], rate: perMinute(throttle.rate) }],
    }),
    sharing: { relays, ...(world.hasStore && { store }) },
    routes: [
      {
        name: 'default',
        smarthosts: [],
        exchangers: { maxConnections: 1, maxConnectionsPerDomain: 1 },
        retry: { scheduleMs: [1000], expireAfterMs: world.route === 'a.example' ? 60_000 : 120_000 },
      },
    ],
    queue: { maxBytes: 1_000_000_000, maxAgeMs: 86_400_000 },
    evidence: { addresses: 'Clear' },
  })
}

function credentialOf(username: string, one: Person, rate: number | undefined): CredentialConfig {
  const { proof, suspended, until, isNear, domains, localParts, recipients, daily } = one
  const isLimited = daily !== undefined
  return {
    ...{ name: `apps/${username}`, username, suspended, addresses: [], recipientDomains: [...recipients] },
    keys:
      proof.by === 'password'
        ? proof.keys.map(({ password, until }, i) => ({
            ...{ id: `k${i}`, verifier: verifierOf(password), ...(until !== undefined && { notAfter: until }) },
          }))
        : [],
    ...(proof.by === 'token' && { serviceAccounts: [...proof.accounts] }),
    ...(proof.by === 'certificate' && { certificate: { caFile: 'clients.crt', names: [...proof.names] } }),
    senders: domains.map((domain) => sender({ senderDomain: `mail/${domain}`, domain, localParts: [...localParts] })),
    networks: isNear ? [] : ['192.0.2.0/24'],
    ...(isLimited && {
      limits: { daily, warnAt: 100, ...(rate !== undefined && { rate: { count: rate, perMs: minuteMs } }) },
    }),
    ...(until !== undefined && { expiresAt: until }),
  }
}
