/**
 * What may happen to delivery in a few hours, at random: mail, floods, moods of next hops, of DNS and of the disk, reloads, kills,
 * ends and starts.
 */
import fc from 'fast-check'
import type { RouteConfig } from '../../../relay/config.ts'
import { route, smarthost } from './samples.ts'
import { moods } from './toy-hosts.ts'

/** The smarthosts and exchangers that have moods; two further hosts are always healthy. */
export const hostNames = ['h0', 'h1', 'h2', 'h3', 'mx0.test', 'mx1.test', 'mx2.test'] as const
const credentials = ['team-a/web', 'team-a/batch', 'team-b/web'] as const
/** The credential whose mail goes only to healthy hosts. */
export const calm = 'team-c/calm'
const exchanged = ['m0.test', 'm1.test', 'm2.test', ...[...Array(70).keys()].map((i) => `w${i}.test`)] as const
const domains = [
  'd0.test',
  'd1.test',
  'calm.test',
  'mx-calm.test',
  'm0.test',
  'm1.test',
  'm2.test',
  'elsewhere.test',
] as const

/** What DNS says of a domain: its usual exchangers, others, nothing, nothing for long, or that there is no such domain. */
const sayings = ['usual', 'others', 'failed', 'late', 'none'] as const
export type DnsSays = (typeof sayings)[number]

export const exchangersOf = (
  domain: string,
  says: DnsSays,
): readonly { readonly exchange: string; readonly priority: number }[] => {
  if (domain === 'mx-calm.test') return [{ exchange: 'mx.calm.test', priority: 1 }]
  const first = (Number(domain.slice(1, -5)) + (says === 'others' ? 1 : 0)) % 3
  return [first, (first + 1) % 3].map((n, priority) => ({ exchange: `mx${n}.test`, priority }))
}

const way = fc.record({
  match: fc.constantFrom<NonNullable<RouteConfig['match']>>(
    { senderDomains: [], recipientDomains: ['d0.test'] },
    { senderDomains: [], recipientDomains: ['d1.test'] },
    { senderDomains: [], recipientDomains: [], credentials: ['team-a/batch'] },
    { senderDomains: [], recipientDomains: [], credentials: ['team-b/web'] },
  ),
  smarthosts: fc.uniqueArray(
    fc.record({
      host: fc.nat({ max: 3 }),
      priority: fc.nat({ max: 1 }),
      maxConnections: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 1, maxLength: 3, selector: ({ host }) => host },
  ),
  scheduleMs: fc.constantFrom([1000], [1000, 5000, 30_000], [20_000], [60_000, 300_000]),
  expireAfterMs: fc.constantFrom(30_000, 600_000, 3_600_000),
})
export const ways = fc.record({
  some: fc.array(way, { maxLength: 3 }),
  last: way,
  /** Whether the last route takes all mail; otherwise, mail that matches no route has none. */
  takesAll: fc.boolean(),
  calmConnections: fc.integer({ min: 1, max: 4 }),
  /** Of each smarthost with a mood: it gets mail in clear, only in TLS, which it does not offer, or lacks a file. */
  trust: fc.array(fc.constantFrom('clear', 'clear', 'clear', 'clear', 'strict', 'lacking'), {
    minLength: 4,
    maxLength: 4,
  }),
  hostname: fc.constantFrom('relay.example.org', 'other.example.org'),
  /** Without it, the first two routes, which look at recipients, do not exist; then mail may wait by its credential alone. */
  exchangers: fc.option(fc.constant({ maxConnections: 50, maxConnectionsPerDomain: 2 }), { nil: undefined, freq: 3 }),
})
export type Ways = typeof ways extends fc.Arbitrary<infer T> ? T : never
type Way = Ways['last']

const calmRetry: RouteConfig['retry'] = { scheduleMs: [60_000], expireAfterMs: 3_600_000 }

const tlsOf = {
  clear: { mode: 'Disabled' },
  strict: { mode: 'StartTLS' },
  lacking: { mode: 'Disabled', caFile: 'ca' },
} as const

export function routesOf({ some, last, takesAll, calmConnections, trust, exchangers }: Ways): readonly RouteConfig[] {
  const own = (name: string, { smarthosts, match, scheduleMs, expireAfterMs }: Way, rest: object = { match }) => {
    const hosts = smarthosts.map((s) => ({ ...s, host: hostNames[s.host] ?? '', tls: tlsOf[trust[s.host] ?? 'clear'] }))
    const named = hosts.map(({ host, ...bounds }) => smarthost(host, 25, { host, ...bounds }))
    return route(name, named, { ...rest, retry: { scheduleMs, expireAfterMs } })
  }
  const to = (...recipientDomains: readonly string[]) => ({
    match: { senderDomains: [], recipientDomains },
    retry: calmRetry,
  })
  const healthy = smarthost('calm', 25, { host: 'calm', maxConnections: calmConnections })
  const first = exchangers && [
    route('calm', [healthy], to('calm.test', 'corp.test')),
    route('mx', [], { exchangers, ...to('mx-calm.test', ...exchanged) }),
  ]
  return [...(first ?? []), ...some.map((one, i) => own(`r${i}`, one)), own('last', last, takesAll ? {} : undefined)]
}

const path = fc.tuple(fc.constantFrom('a', 'b', 'p1', 'p2'), fc.constantFrom(...domains)).map((two) => two.join('@'))
const from = fc.constantFrom('app@corp.test', 'app@corp.test', 'app@corp.test', '')
const count = fc.integer({ min: 20, max: 200 })
const to = fc.uniqueArray(path, { minLength: 1, maxLength: 5 })
const credential = fc.constantFrom(...credentials)
const submit = fc.record({ do: fc.constant('submit' as const), credential, from, to })
const mood = fc.record({
  do: fc.constant('mood' as const),
  host: fc.constantFrom(...hostNames),
  mood: fc.constantFrom('healthy' as const, ...moods),
})
const disks = ['fine', 'slow', 'full', 'full for reports', 'full for states', 'failing', 'unreadable'] as const
export type DiskState = (typeof disks)[number]
const disk = fc.record({ do: fc.constant('disk' as const), is: fc.constantFrom('fine', ...disks) })
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(1, 20, 300, 1000, 5000, 30_000, 120_000, 900_000),
})
const deed = fc.oneof(
  { weight: 6, arbitrary: submit },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('calm' as const), domain: fc.constantFrom('calm.test', 'mx-calm.test') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('flood' as const), credential, count, domain: fc.constantFrom(...domains) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('spread' as const), credential, count }) },
  { weight: 4, arbitrary: mood },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const), ways }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('hold' as const, 'release' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      graceMs: fc.constantFrom(0, 500, 30_000),
      /** What happens while it ends. */
      meanwhile: fc.array(fc.oneof(submit, mood, disk, wait), { maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 2, arbitrary: disk },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('dns' as const),
      domain: fc.constantFrom('m0.test', 'm1.test', 'm2.test'),
      says: fc.constantFrom(...sayings),
    }),
  },
  { weight: 6, arbitrary: wait },
)
export const deeds = fc.array(deed, { minLength: 1, maxLength: 30, size: 'max' })
export type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never
export const spreadTo = (n: number): string => `f${n}@${exchanged[3 + (n % 70)]}`
