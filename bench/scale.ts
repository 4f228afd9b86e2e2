/**
 * What many objects cost the operator: `npm run bench:scale -- --credentials 10000 --domains 1000`, on a cluster where it is
 * installed (KUBECONFIG). Everything is made in one namespace, which is removed in the end.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectionByDefault } from '../operator/cluster/api/connection.ts'
import { Cluster, type Took } from './scale-cluster.ts'

const { values } = parseArgs({
  options: {
    credentials: { type: 'string', default: '10000' },
    domains: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '20' },
    replicas: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
})
const credentials = Number(values.credentials)
const domains = Number(values.domains)
const changes = Number(values.changes)
const namespace = `scale-${Date.now().toString(36)}`

const cluster = new Cluster(connectionByDefault(), namespace)
const progress = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
const seconds = (since: number): number => Math.round((performance.now() - since) / 10) / 100

await cluster.makeNamespace()
try {
  const before = await cluster.sample()
  const begin = performance.now()
  await cluster.makePolicy(Number(values.replicas))
  await cluster.makeDomains(domains)
  await cluster.makeCredentials(credentials, domains)
  const applied = seconds(begin)
  progress(`applied after ${applied} s`)
  await cluster.everyCredentialReady(credentials, progress)
  const ready = seconds(begin)
  const after = await cluster.sample()
  progress(`all of them ready after ${ready} s`)
  const edits = await editsOneByOne()
  const idle = await idleFor(30_000)
  const result = {
    credentials,
    domains,
    appliedSeconds: applied,
    readySeconds: ready,
    requestsPerCredential: Math.round(((after.requests - before.requests) / credentials) * 100) / 100,
    ...edits,
    idle,
    memoryMiB: Math.round((await cluster.sample()).residentBytes / 1024 / 1024),
    peakMiB: Math.round((await cluster.sample()).peakBytes / 1024 / 1024),
  }
  const text = JSON.stringify(result, null, 2)
  process.stdout.write(`${text}\n`)
  if (values.out !== undefined) writeFileSync(join(process.cwd(), values.out), `${text}\n`)
} finally {
  await cluster.removeNamespace()
}

/** Suspends credentials one after the other, waits each time for the status that says so, and tells what a change took. */
async function editsOneByOne() {
  const times: number[] = []
  const begin = await cluster.sample()
  for (let i = 0; i < changes; i++) {
    const since = performance.now()
    await cluster.suspend(i)
    await cluster.suspended(i)
    times.push(performance.now() - since)
  }
  await sleep(3000)
  const end = await cluster.sample()
  const sorted = times.toSorted((a, b) => a - b)
  return {
    changes,
    changeToStatusMs: { p50: Math.round(sorted[Math.floor(changes / 2)] ?? 0), max: Math.round(sorted.at(-1) ?? 0) },
    compileMs: meanMs(begin.compiles, end.compiles),
    turnMs: meanMs(begin.turns, end.turns),
    writesPerChange: Math.round(((end.writes - begin.writes) / changes) * 10) / 10,
    requestsPerChange: Math.round(((end.requests - begin.requests) / changes) * 10) / 10,
  }
}

function meanMs(begin: Took, end: Took): number {
  return Math.round(((end.seconds - begin.seconds) / Math.max(1, end.count - begin.count)) * 1000)
}

async function idleFor(ms: number) {
  const begin = await cluster.sample()
  await sleep(ms)
  const end = await cluster.sample()
  return { seconds: ms / 1000, writes: end.writes - begin.writes, requests: end.requests - begin.requests }
}
