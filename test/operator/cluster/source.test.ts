/** The cluster gives a snapshot once everything was listed, and another one after each change, with all that compile needs. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ClusterFacts, clusterSource, restMs } from '../../../operator/cluster/source.ts'
import type { DeclaredObject } from '../../../operator/cluster/watch/declared.ts'
import { compile } from '../../../operator/compile/compile.ts'
import { type Name, type Policy, refOf, type Snapshot } from '../../../operator/compile/snapshot.ts'
import { Dirty } from '../../../operator/dirty.ts'
import type { RelayConfig } from '../../../relay/config.ts'
import { policy, snapshot } from '../../compile/big-world.ts'

let ending: AbortController
beforeEach(() => {
  vi.useFakeTimers()
  ending = new AbortController()
})
afterEach(() => {
  ending.abort()
  vi.useRealTimers()
})

const declared = (resource: Policy, uid = 'u'): DeclaredObject => ({
  ref: refOf(resource),
  uid,
  resourceVersion: '1',
  status: {},
  is: 'valid',
  resource,
})
const named = (name: string) => policy({ namespace: 'mail', name })

/** A source over a world that the test changes, and a loop that takes `tookMs` for each snapshot. */
function looping({ tookMs = 0, running = () => Promise.resolve(new Map<Name, RelayConfig>()) } = {}) {
  const dirty = new Dirty()
  const synced = Promise.withResolvers<void>()
  const world = {
    objects: [declared(named('one'))],
    unread: [] as { readonly what: string; readonly namespace?: string }[],
  }
  const asked: (readonly Name[])[] = []
  const facts: ClusterFacts = {
    dirty,
    world: {
      synced: synced.promise,
      declared: () => world.objects,
      namespaces: () => new Map([['mail', { a: 'b' }]]),
      unread: () => world.unread,
    },
    sightings: { see: () => Promise.resolve(), secrets: () => new Map(), configMaps: () => new Map() },
    fleets: {
      running(policies) {
        asked.push(policies)
        return running()
      },
    },
    bindings: { keys: () => new Map(), formerNames: () => new Map() },
    domainKeys: { give: () => undefined, known: () => new Map() },
    records: { look: () => undefined },
    issuer: { see: async () => ({ is: 'unknown', why: 'nobody needs it' }) },
  }
  const got: { at: number; snapshot: Snapshot }[] = []
  const source = clusterSource(facts)
  const ended = (async () => {
    for await (const snapshot of source.snapshots(ending.signal)) {
      got.push({ at: performance.now(), snapshot })
      await new Promise((resolve) => setTimeout(resolve, tookMs))
    }
  })()
  return {
    world,
    dirty,
    got,
    asked,
    ended,
    uids: source.uids,
    sync: () => synced.resolve(),
    pass: vi.advanceTimersByTimeAsync.bind(vi),
  }
}

test('there is no snapshot before everything was listed, and then one without a change', async () => {
  const { got, dirty, pass, sync } = looping()
  dirty.mark()
  await pass(10_000)
  expect(got).toEqual([])
  sync()
  await pass(10_000)
  expect(got).toHaveLength(1)
})

test('a snapshot has what the cluster declares, what runs, and what could not be read', async () => {
  const config = { policy: 'mail/one' } as unknown as RelayConfig
  const { got, asked, world, pass, sync } = looping({
    running: () => Promise.resolve(new Map([['mail/one', config]])),
  })
  world.unread.push({ what: 'relaypolicies of other: could not be listed yet', namespace: 'other' })
  sync()
  await pass(0)
  expect(got[0]?.snapshot).toEqual(
    snapshot({
      policies: [named('one')],
      unread: ['relaypolicies of other: could not be listed yet'],
      formerSecrets: new Map(),
      unreadNamespaces: new Set(['other']),
      namespaces: new Map([['mail', { a: 'b' }]]),
      namespacesMayLag: true,
      domainKeys: new Map(),
      tokenIssuer: { is: 'unknown', why: 'nobody needs it' },
      running: new Map([['mail/one', config]]),
      brokenRecords: new Map(),
    }),
  )
  expect(asked).toEqual([['mail/one']])
})

test('changes that come while a snapshot is worked on make one more snapshot', async () => {
  const { got, world, dirty, pass, sync } = looping({ tookMs: 100 })
  sync()
  await pass(50)
  for (const name of ['two', 'three']) {
    world.objects = [...world.objects, declared(named(name))]
    dirty.mark()
    dirty.mark()
  }
  await pass(10_000)
  expect(got.map((g) => g.snapshot.policies.length)).toEqual([1, 3])
})

test('after a quiet time a change gives a snapshot at once', async () => {
  const { got, dirty, pass, sync } = looping({ tookMs: 700 })
  sync()
  await pass(10_000)
  const now = performance.now()
  dirty.mark()
  await pass(0)
  expect(got.map((g) => g.at).at(-1)).toBe(now)
})

test('with changes all the time, the pause after a snapshot is twice as long as the work on it, and at most two seconds', async () => {
  const { got, dirty, pass, sync } = looping({ tookMs: 300 })
  const changes = setInterval(() => dirty.mark(), 10)
  sync()
  await pass(5000)
  clearInterval(changes)
  const gaps = got.slice(1).map((g, i) => g.at - (got[i]?.at ?? 0))
  expect(gaps.every((gap) => gap >= 900 && gap <= 930)).toBe(true)
  expect([restMs(0), restMs(2), restMs(5000)]).toEqual([0, 4, 2000])
})

test('a change while the running configurations are waited for is in the next snapshot', async () => {
  const first = Promise.withResolvers<ReadonlyMap<Name, RelayConfig>>()
  const { got, world, dirty, pass, sync } = looping({ running: () => first.promise as never })
  sync()
  await pass(100)
  world.objects = [declared(named('one')), declared(named('two'))]
  dirty.mark()
  first.resolve(new Map())
  await pass(100)
  expect(got.map((g) => g.snapshot.policies.length)).toEqual([1, 2])
})

test('an object that is created anew meanwhile has its former uid for the snapshot that was made of the former one', async () => {
  const answers = [
    Promise.withResolvers<ReadonlyMap<Name, RelayConfig>>(),
    Promise.withResolvers<ReadonlyMap<Name, RelayConfig>>(),
  ]
  let asked = 0
  const { got, uids, world, dirty, pass, sync } = looping({ running: () => answers[asked++]?.promise as never })
  world.objects = [declared(named('one'), 'former')]
  sync()
  await pass(100)
  world.objects = [declared(named('one'), 'later')]
  dirty.mark()
  answers[0]?.resolve(new Map())
  await pass(5000)
  expect([got.length, asked, uids()]).toEqual([1, 2, new Map([['RelayPolicy mail/one', 'former']])])
  answers[1]?.resolve(new Map())
  await pass(100)
  expect([got.length, uids()]).toEqual([2, new Map([['RelayPolicy mail/one', 'later']])])
})

test('a list that could not be read removes no fleet', async () => {
  const { fleets } = compile(snapshot({ policies: [named('one')] }))
  const fleet = fleets.get('mail/one')
  const config = fleet?.kind === 'run' ? fleet.config : undefined
  const { got, world, pass, sync } = looping({
    running: () => Promise.resolve(new Map(config === undefined ? [] : [['mail/one', config]])),
  })
  world.objects = []
  world.unread.push({ what: 'relaypolicies: could not be listed yet' })
  sync()
  await pass(0)
  const [first] = got
  expect(first && compile(first.snapshot).fleets).toEqual(new Map([['mail/one', { kind: 'hold' }]]))
})

test.each([
  ['before anything was heard', false],
  ['while it waits for a change', true],
])('the signal ends the source %s', async (_name, isSynced) => {
  const { ended, pass, sync } = looping()
  if (isSynced) sync()
  await pass(100)
  ending.abort()
  await pass(0)
  await ended
})
