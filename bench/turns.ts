/**
 * What one change costs an operator that knows thousands of objects: `npm run bench:turns -- --credentials 10000`. The real
 * parts of the operator run against an API server in memory. It tells the milliseconds of each part, the processor time of the
 * whole, and the memory that stays in use.
 */
import { parseArgs } from 'node:util'
import { createAuthority } from '../operator/ca.ts'
import { assemble, inCluster, policyNames } from '../operator/cluster/assemble.ts'
import { openBindings } from '../operator/cluster/bindings/bindings.ts'
import { reachIn } from '../operator/cluster/bindings/key-reach.ts'
import { openFleets } from '../operator/cluster/fleets/fleets.ts'
import { clusterSink } from '../operator/cluster/sink.ts'
import { relayReport } from '../operator/cluster/statuses/relay-report.ts'
import { openReporter } from '../operator/cluster/statuses/reporter.ts'
import { openWorld } from '../operator/cluster/watch/world.ts'
import { compile } from '../operator/compile/compile.ts'
import type { Name } from '../operator/compile/snapshot.ts'
import { Dirty } from '../operator/dirty.ts'
import { KnownUses } from '../operator/known-uses.ts'
import { healthy } from '../test/cluster/fake-relay.ts'
import { median } from '../test/local/median.ts'
import { until } from '../test/local/until.ts'
import { bigCluster } from './big-cluster.ts'
import { MemoryApi } from './memory-api.ts'

const { values } = parseArgs({
  options: {
    credentials: { type: 'string', default: '10000' },
    domains: { type: 'string', default: '1000' },
    turns: { type: 'string', default: '8' },
  },
})
const [credentials, domains, turns] = [Number(values.credentials), Number(values.domains), Number(values.turns)]
/** Longer than a status may be held back while a fleet loads a new configuration. */
const quietMs = 2000
const startMs = 300_000

const api = new MemoryApi()
for (const object of bigCluster(domains, credentials)) api.put(object)

const dirty = new Dirty()
const ending = new AbortController()
const { signal } = ending
const mayWrite = (): boolean => true
const issued = await createAuthority(Date.now())
const authority = { signer: issued, bundle: issued.certificate }
const wake = (): void => reporter.wake()
const world = openWorld({ api, namespaces: [], dirty, wake })
const cluster = { image: 'relayfleet:bench', operatorNamespace: 'relayfleet' }
const fleets = openFleets({
  api,
  world,
  authority: async () => authority,
  mayWrite,
  cluster,
  dirty,
  wake,
  ask: async () => undefined,
})
// Late enough that the regular checks of binding Secrets never fall into a measurement.
const keyUses = new KnownUses((name) => world.declaredAs(`RelayCredential ${name}`)?.status)
const heard = (fleet: Name, name: Name) => keyUses.heard(fleet, name)
const reach = reachIn(world)
const bindings = openBindings({
  api,
  world,
  mayWrite,
  dirty,
  reach,
  heard,
  turns: { everyMs: startMs, pauseMs: startMs },
})
const reporter = openReporter({
  api,
  world,
  fleets,
  bindings,
  records: { look: () => undefined },
  publisher: { troubles: () => new Map() },
  keyUses,
  mayWrite,
  record: () => undefined,
  ask: async ({ namespace, name }) => {
    const policy: Name = `${namespace}/${name.slice(0, name.lastIndexOf('-'))}`
    return relayReport(JSON.stringify({ ...healthy(policy), hash: fleets.written(policy).hash }))
  },
})
const sink = clusterSink({
  guides: { give: () => undefined },
  bindings,
  fleets,
  reporter,
  verifier: { give: () => undefined },
  publisher: { give: () => undefined },
  authority: () => authority.bundle,
  uids: () => new Map(world.declared().map(({ ref, uid }) => [ref, uid])),
})

type Took = Readonly<Record<'running' | 'assemble' | 'compile' | 'give' | 'report', number>>

/** The processor time of this thread, which does all of the work; what else the machine does hardly changes it. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

async function turn(): Promise<Took> {
  const moments = [cpuMs()]
  const lap = <T>(value: T): T => {
    moments.push(cpuMs())
    return value
  }
  const declared = world.declared()
  const running = lap(await fleets.running(policyNames(declared), signal))
  const snapshot = lap(
    assemble({
      declared,
      keys: bindings.keys(),
      formerNames: bindings.formerNames(),
      unread: world.unread(),
      namespaces: world.namespaces(),
      secrets: new Map(),
      configMaps: new Map(),
      running,
      place: inCluster,
    }),
  )
  const compiled = lap(compile(snapshot))
  lap(await sink.apply(compiled, signal))
  lap(await sink.report(compiled))
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = moments
  return { running: b - a, assemble: c - b, compile: d - c, give: e - d, report: f - e }
}

/** Makes a change and takes turns until nothing is left to do: what each turn took, and the processor time of the whole. */
async function settled(change: () => void): Promise<{ readonly took: readonly Took[]; readonly cpuMs: number }> {
  const begin = process.cpuUsage()
  const took: Took[] = []
  change()
  let quiet = new AbortController()
  for (;;) {
    quiet = new AbortController()
    const timer = setTimeout(() => quiet.abort(), quietMs)
    await dirty.next(quiet.signal)
    clearTimeout(timer)
    if (quiet.signal.aborted) break
    took.push(await turn())
  }
  const { user, system } = process.cpuUsage(begin)
  return { took, cpuMs: (user + system) / 1000 }
}

const middle = (figures: readonly number[]): number => Math.round(median(figures))

/** The changes that are measured, each done to the object number `n`. */
const changes: Readonly<Record<string, (n: number) => void>> = {
  'one credential': (n) => {
    const credential = api.read('RelayCredential', `team-${n}/app-${n}`)
    const { generation = 1 } = credential.metadata
    const spec = { ...(credential['spec'] as object), identities: { addresses: [`n${n}@d0.example`] } }
    api.put({ ...credential, metadata: { ...credential.metadata, generation: generation + 1 }, spec })
  },
  nothing: () => dirty.mark(),
}

function memory(): string {
  for (let i = 0; i < 3; i += 1) global.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
  return `heap ${mb(heapUsed)}, outside ${mb(external)}, rss ${mb(rss)}`
}

console.log(`${credentials} credentials, ${domains} domains; ${memory()}, of which the API server is some`)
dirty.mark()
const runs = [world.run(signal), fleets.run(signal), bindings.run(signal), reporter.run(signal)]
await world.synced
const start = performance.now()
const cpu = process.cpuUsage()
dirty.mark()
const first = await turn()
console.log('cold:', first)
dirty.mark()
await settled(() => undefined)
const statuses = await until('all statuses are written', () => isWritten(), startMs)
const { user } = process.cpuUsage(cpu)
console.log(
  `${statuses} writes at the beginning: ${Math.round(user / 1000)} ms of CPU, ${Math.round(performance.now() - start)} ms; ${memory()}`,
)
for (const [name, change] of Object.entries(changes)) {
  const all: Awaited<ReturnType<typeof settled>>[] = []
  for (let n = 1; n <= turns; n += 1) all.push(await settled(() => change(n)))
  const took = all.flatMap((one) => one.took)
  const parts = Object.keys(first) as (keyof Took)[]
  const told = parts.map((part) => `${part} ${middle(took.map((t) => t[part]))}`)
  console.log(
    `${name}: ${middle(all.map((one) => one.cpuMs))} ms of CPU in ${took.length / turns} turns, ${told.join(', ')}; ${memory()}`,
  )
}
ending.abort()
await Promise.all(runs)

/** The number of writes so far; false if there were further ones before everything was quiet for two seconds. */
async function isWritten(): Promise<number | false> {
  const before = api.writes
  await settled(() => undefined)
  return api.writes === before ? before : false
}
