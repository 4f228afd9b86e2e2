/**
 * What may happen to mail in a day, at random: clocks that are set, routes that go and come back, keys that are missing, suspension,
 * moods of next hops, ends and starts.
 */
import fc from 'fast-check'
import type { RelayConfig, RouteConfig } from '../../../relay/config.ts'
import { storyBegins } from './fake-hours.ts'
import { route, smarthost } from './samples.ts'
import { ed25519Key, signingWith } from './signing-keys.ts'
import { moods } from './toy-hosts.ts'

/** The routes that there may be, in their order: by recipient domain, by credential, to exchangers, and for the rest. */
export const parts = ['d0', 'd1', 'batch', 'mx', 'last'] as const
export type Part = (typeof parts)[number]

const smarthosts = ['h0', 'h1', 'h2', 'h3', 'h4'] as const
const exchangers = ['mx0.test', 'mx1.test', 'mx2.test'] as const
export const hosts = [...smarthosts, ...exchangers] as const

const minute = 60_000
const hour = 60 * minute
const way = fc.record({
  /** Of the route to exchangers they are left out. */
  smarthosts: fc.uniqueArray(
    fc.record({
      host: fc.constantFrom(...smarthosts),
      priority: fc.nat({ max: 2 }),
      maxConnections: fc.integer({ min: 1, max: 3 }),
      /** It is to have mail in TLS only, which nobody offers here. */
      isStrict: fc.constantFrom(false, false, false, false, true),
    }),
    { minLength: 1, maxLength: 3, selector: ({ host }) => host },
  ),
  /** Connections to exchangers for one domain; for all there are twice as many. */
  perDomain: fc.integer({ min: 1, max: 3 }),
  scheduleMs: fc.constantFrom<readonly number[]>([minute, 10 * minute], [5 * minute], [30 * minute], [20_000, hour]),
  expireAfterMs: fc.constantFrom(2 * hour, 5 * hour),
})
export type Way = typeof way extends fc.Arbitrary<infer T> ? T : never
const wayOrNone = fc.option(way, { nil: undefined, freq: 4 })

const whenBroken = fc.constantFrom('Defer' as const, 'Refuse' as const, 'Warn' as const)
/** `over`: the configuration says that it ended a minute after the story began. */
const keyStates = ['there', 'missing', 'damaged', 'over', 'none'] as const
export const settings = fc.record({
  ways: fc.record({ d0: wayOrNone, d1: wayOrNone, batch: wayOrNone, mx: wayOrNone, last: wayOrNone }),
  key: fc.constantFrom('there', ...keyStates),
  whenBroken,
  isSuspended: fc.constantFrom(false, false, false, true),
})
export type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never

const wellTo = (host: (typeof smarthosts)[number]): Way => ({
  smarthosts: [{ host, priority: 0, maxConnections: 3, isStrict: false }],
  perDomain: 3,
  scheduleMs: [minute],
  expireAfterMs: 5 * hour,
})
/** Every route is there, and nothing keeps mail from leaving. */
export const allWell: Settings = {
  ways: { d0: wellTo('h0'), d1: wellTo('h1'), batch: wellTo('h2'), mx: wellTo('h3'), last: wellTo('h4') },
  key: 'there',
  whenBroken: 'Defer',
  isSuspended: false,
}

/** The domain that is signed for, and its key. */
export const signed = 'signed.test'
const key = ed25519Key('s1')
const keyEndsAt = storyBegins + minute

const domainsOf: Readonly<Partial<Record<Part, readonly string[]>>> = {
  d0: ['d0.test'],
  d1: ['d1.test', 'corp.test', signed],
  mx: ['m0.test', 'm1.test', 'm2.test'],
}

function routeOf(part: Part, { smarthosts, perDomain, scheduleMs, expireAfterMs }: Way): RouteConfig {
  const retry = { scheduleMs, expireAfterMs }
  const recipientDomains = domainsOf[part] ?? []
  const credentials = part === 'batch' ? { credentials: ['team-a/batch'] } : {}
  const match = part === 'last' ? {} : { match: { senderDomains: [], recipientDomains, ...credentials } }
  if (part === 'mx')
    return route('mx', [], {
      ...match,
      retry,
      exchangers: { maxConnections: 2 * perDomain, maxConnectionsPerDomain: perDomain },
    })
  const named = smarthosts.map(({ host, isStrict, ...bounds }) =>
    smarthost(host, 25, { host, ...bounds, tls: { mode: isStrict ? 'StartTLS' : 'Disabled' } }),
  )
  return route(part, named, { ...match, retry })
}

/** The configuration and its files. */
export function loadedBy({ ways, key: state, whenBroken, isSuspended }: Settings) {
  const routes = parts.flatMap((part) => (ways[part] === undefined ? [] : [routeOf(part, ways[part])]))
  const config = state === 'over' ? { ...key.config, notAfter: keyEndsAt } : key.config
  const signing = signingWith(signed, state === 'none' ? [] : [{ config }], { whenBroken })
  const pem = state === 'damaged' ? 'no key' : key.pem
  return {
    routes,
    config: { suspended: isSuspended, signing: [signing] } satisfies Partial<RelayConfig>,
    files: state === 'missing' ? {} : { [key.config.keyFile]: pem },
  }
}

const domains = [...Object.values(domainsOf).flat(), 'elsewhere.test']
const path = fc.tuple(fc.constantFrom('a', 'b', 'p1', 'p2'), fc.constantFrom(...domains)).map((two) => two.join('@'))
const submit = fc.record({
  do: fc.constant('submit' as const),
  credential: fc.constantFrom('team-a/web', 'team-a/batch', 'team-b/web'),
  from: fc.constantFrom('app@corp.test', 'app@corp.test', `app@${signed}`, `app@${signed}`, ''),
  to: fc.uniqueArray(path, { minLength: 1, maxLength: 5 }),
  times: fc.constantFrom(1, 1, 1, 1, 30),
})
const clock = fc.record({
  do: fc.constant('clock' as const),
  /** By how much it is wrong from now on: ahead, or behind. */
  wrongBy: fc.constantFrom(
    ...[0, 0, 10, -10, 50, -50, 70, -70, 180, -180, 1440, -1440, 5_256_000, -5_256_000].map((n) => n * minute),
  ),
})
const mood = fc.record({
  do: fc.constant('mood' as const),
  host: fc.constantFrom(...hosts),
  mood: fc.constantFrom('healthy' as const, 'healthy' as const, 'dead' as const, ...moods),
})
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(20, 1000, 61_000, 5 * minute, 20 * minute, hour, 3 * hour, 6 * hour),
})
const deed = fc.oneof(
  { weight: 6, arbitrary: submit },
  { weight: 4, arbitrary: mood },
  { weight: 3, arbitrary: clock },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('way' as const), part: fc.constantFrom(...parts), way: wayOrNone }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('key' as const), key: fc.constantFrom(...keyStates), whenBroken }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), graceMs: fc.constantFrom(0, 30_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 6, arbitrary: wait },
)
export type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never
export const deeds = fc.array(deed, { minLength: 1, maxLength: 30, size: 'max' })

/** The part of the settings that takes a recipient: the first that asks for its domain, or for its credential. */
export function partOf({ ways }: Settings, credential: string, forwardPath: string): Part | undefined {
  const domain = forwardPath.slice(forwardPath.indexOf('@') + 1)
  return parts.find((part) => {
    if (ways[part] === undefined) return false
    return part === 'last' || (part === 'batch' ? credential === 'team-a/batch' : domainsOf[part]?.includes(domain))
  })
}

/** The exchangers of a domain, the best first. */
export const exchangersOf = (domain: string): readonly { readonly exchange: string; readonly priority: number }[] => {
  const first = Number(domain.slice(1, 2))
  return [first, (first + 1) % 3].map((n, priority) => ({ exchange: `mx${n}.test`, priority }))
}
