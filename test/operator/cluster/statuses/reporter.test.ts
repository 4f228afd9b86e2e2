/** In a large world that stands as it should, the reporter looks at everything and writes nothing. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { openReporter, type Reporter } from '../../../../operator/cluster/statuses/reporter.ts'
import type { DeclaredObject } from '../../../../operator/cluster/watch/declared.ts'
import type { Compiled, Condition, Status } from '../../../../operator/compile/compiled.ts'
import type { Ref } from '../../../../operator/compile/snapshot.ts'
import { KnownUses } from '../../../../operator/known-uses.ts'
import { configHash, printConfig, type RelayConfig } from '../../../../relay/config.ts'
import { until } from '../../../local/until.ts'
import { pod, report } from './fleet-evidence.ts'

const credentials = 10_000
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)
const nameOf = (i: number) => `team-${i}/web` as const
const condition = (type: string, status: Condition['status'] = 'True', reason = type): Condition => ({
  type,
  status,
  reason,
  message: `${type} it is`,
})
const pending = [condition('Accepted'), condition('ResolvedRefs'), condition('Programmed', 'Unknown', 'Pending')]
const status = (i: number): Status => ({
  observedGeneration: 1,
  conditions: pending,
  username: `web.team-${i}`,
  keys: [{ id: 'k1', verifier: `sha256:${'1'.repeat(64)}` }],
})

const expiresAt = Date.parse('2026-11-24T04:00:00Z')
const config = {
  credentials: range(credentials).map((i) => ({ name: nameOf(i), keys: [], ...(i === 7 && { expiresAt }) })),
  queue: { maxAgeMs: 600_000 },
} as unknown as RelayConfig
const hash = configHash(printConfig(config))
const compiledNow = (): Compiled => ({
  fleets: new Map([
    [
      'mail/shared',
      {
        kind: 'run',
        config,
        replicas: 2,
        ports: [],
        availability: { maxUnavailable: 1, drainTimeoutMs: 1_800_000 },
        storage: '1Gi',
        files: [],
      },
    ],
  ]),
  bindings: new Map(),
  guides: new Map(),
  heldBindings: new Set(),
  findings: new Map(),
  references: new Set(),
  domainChecks: new Map(),
  publications: new Map(),
  statuses: new Map<Ref, Status>([
    ['RelayPolicy mail/shared', { observedGeneration: 1, conditions: pending }],
    ...range(credentials).map((i) => [`RelayCredential ${nameOf(i)}`, status(i)] as [Ref, Status]),
  ]),
})

const uidOf = (ref: Ref): string => `uid of ${ref}`
const uids = (): ReadonlyMap<Ref, string> => new Map([...compiledNow().statuses.keys()].map((ref) => [ref, uidOf(ref)]))

/** An API server that keeps statuses, and a watch that tells of them at once. */
function openCluster() {
  const objects = new Map<Ref, DeclaredObject>()
  let version = 1
  let writes = 0
  const put = (ref: Ref, status: DeclaredObject['status']): void => {
    const resourceVersion = String(++version)
    objects.set(ref, { ref, uid: uidOf(ref), resourceVersion, status } as DeclaredObject)
  }
  for (const ref of compiledNow().statuses.keys()) put(ref, {})
  const cluster = {
    writes: () => writes,
    written: (_ref: Ref): void => undefined,
    put,
    statusOf: (ref: Ref) => objects.get(ref)?.status as { readonly conditions: readonly Condition[] },
    world: {
      going: () => [],
      declaredAs: (ref: Ref) => objects.get(ref),
      pods: () => [pod(0), pod(1)],
      knowsPods: () => true,
      made: () => [],
    },
    api: {
      async apply(object: KubeObject): Promise<KubeObject> {
        const { namespace, name } = object.metadata
        const ref = `${object.kind} ${namespace}/${name}` as Ref
        writes += 1
        put(ref, structuredClone(object['status']) as DeclaredObject['status'])
        cluster.written(ref)
        return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
      },
    },
  }
  return cluster
}

let cluster: ReturnType<typeof openCluster>
let ending: AbortController
let running: Promise<void>[]
let now = Date.parse('2026-11-24T03:00:00Z')

beforeEach(() => {
  cluster = openCluster()
  ending = new AbortController()
  running = []
})
afterEach(async () => {
  ending.abort()
  await Promise.all(running)
})

/** Starts a reporter; each time that it looks at everything it asks for the troubles of bindings, which `turns` counts. */
function start(written = hash): {
  readonly reporter: Reporter
  readonly turns: () => number
  readonly failed: readonly string[]
} {
  let turns = 0
  const failed: string[] = []
  const reporter = openReporter({
    api: cluster.api,
    world: cluster.world,
    fleets: {
      written: () => ({ hash: written }),
      had: (_fleet, wanted) => (wanted === hash ? config : undefined),
      nudge: async () => undefined,
      again: () => undefined,
    },
    bindings: {
      troubles: () => {
        turns += 1
        return new Map()
      },
    },
    records: { look: () => undefined },
    publisher: { troubles: () => new Map() },
    keyUses: new KnownUses(() => undefined),
    mayWrite: () => true,
    record: () => undefined,
    failed: (ref, error) => failed.push(`${ref}: ${String(error)}`),
    now: () => now,
    ask: async () => report({ hash }),
  })
  running.push(reporter.run(ending.signal))
  return { reporter, turns: () => turns, failed }
}
const ready = (i: number): string => {
  const found = cluster.statusOf(`RelayCredential ${nameOf(i)}`).conditions?.find(({ type }) => type === 'Ready')
  return `${found?.status} ${found?.reason}`
}

test('ten thousand statuses are written once each, and not again after a new compile or by a new operator', async () => {
  const first = start()
  first.reporter.give(compiledNow(), uids())
  await until('the last status is written', () => ready(credentials - 1) === 'True Ready')
  const { length } = [...compiledNow().statuses]
  expect(cluster.writes()).toBe(length)

  const before = first.turns()
  first.reporter.give(compiledNow(), uids())
  await until('there was another turn', () => {
    first.reporter.wake()
    return first.turns() > before + 1
  })
  expect(cluster.writes()).toBe(length)

  ending.abort()
  await Promise.all(running)
  ending = new AbortController()
  const second = start()
  second.reporter.give(compiledNow(), uids())
  await until('there were some turns', () => {
    second.reporter.wake()
    return second.turns() > 2
  })
  expect(cluster.writes()).toBe(length)
})

test('when a credential expires its status is written, and no other', async () => {
  const { reporter } = start()
  reporter.give(compiledNow(), uids())
  await until('the last status is written', () => ready(credentials - 1) === 'True Ready')
  const before = cluster.writes()
  now = expiresAt
  reporter.wake()
  await until('the credential has expired', () => ready(7) === 'False Expired')
  expect(cluster.writes()).toBe(before + 1)
  expect(ready(8)).toBe('True Ready')
})

test('no status is written for a credential that was created anew since the snapshot', async () => {
  const { reporter } = start()
  const former = new Map(uids())
  former.set(`RelayCredential ${nameOf(7)}`, 'uid of the one before it')
  reporter.give(compiledNow(), former)
  await until('the last status is written', () => ready(credentials - 1) === 'True Ready')
  expect([cluster.statusOf(`RelayCredential ${nameOf(7)}`), cluster.writes()]).toEqual([{}, credentials])
})

test('a status that somebody sets back each time is written twenty times, and then every five seconds, which is told once', async () => {
  const { reporter, turns, failed } = start()
  const ref: Ref = 'RelayPolicy mail/shared'
  let times = 0
  cluster.written = (written) => {
    if (written !== ref) return
    times += 1
    queueMicrotask(() => {
      cluster.put(ref, {})
      reporter.wake()
    })
  }
  const looks = async (): Promise<void> => {
    const before = turns()
    await until('there were some turns', () => {
      reporter.wake()
      return turns() > before + 2
    })
  }
  reporter.give(compiledNow(), uids())
  await until('the status was written twenty times', () => times >= 20)
  await looks()
  expect(times).toBe(20)
  expect(failed).toEqual([expect.stringMatching(/^RelayPolicy mail\/shared: .* 20 times in a row.*sets it back/)])
  now += 5000
  await looks()
  expect(times).toBe(21)
  expect(failed).toHaveLength(1)
})

test('a credential that all relays know gets ready before they have loaded a newer configuration, and one that was changed does not', async () => {
  const changed = {
    ...config,
    credentials: config.credentials.map((c, i) => (i === 7 ? { ...c } : c)),
    suspended: true,
  }
  const newer = configHash(printConfig(changed))
  const { reporter, turns } = start(newer)
  const compiled = compiledNow()
  const fleet = compiled.fleets.get('mail/shared')
  if (fleet?.kind !== 'run') throw new Error('it runs')
  // The relays go on reporting the earlier configuration.
  reporter.give({ ...compiled, fleets: new Map([['mail/shared', { ...fleet, config: changed }]]) }, uids())
  await until('the last status is written', () => ready(credentials - 1) === 'True Ready')
  const before = turns()
  await until('there was another turn', () => {
    reporter.wake()
    return turns() > before + 1
  })
  expect(ready(7)).not.toBe('True Ready')
})
