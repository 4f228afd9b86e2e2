/**
 * A real relay with a thousand slow clients, clients that guess passwords, and one tenant that wants all there is: how much
 * memory and how many descriptors it needs, and how long the other tenants wait. To run it alone:
 * `npx node test/local/overload.ts --seconds 60`.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../certificates.ts'
import { bundleRelay } from './bundle.ts'
import { startCrowd, tell } from './crowd-process.ts'
import { freePort } from './free-port.ts'
import { check, type Sent } from './history.ts'
import { inQueue } from './in-queue.ts'
import { loadMessage } from './load-message.ts'
import { descriptorsOf, gauge, inMebibytes } from './process-gauge.ts'
import { seen, startSwiftReceiver } from './receiver.ts'
import { accessTo, senderDomain, startRelay, writeRelay } from './relay-process.ts'
import { slowKinds } from './slow-clients.ts'
import { type Access, SmtpSession } from './smtp-session.ts'
import { password, tenantsConfig } from './tenants.ts'
import { until } from './until.ts'
import { type Waits, waitsOf } from './waits.ts'

export type OverloadPlan = {
  readonly seconds: number
  readonly slowClients: number
  readonly guessers: number
  readonly floodSessions: number
}

export type OverloadReport = Awaited<ReturnType<typeof overload>>

const wholeOverload: OverloadPlan = { seconds: 60, slowClients: 1000, guessers: 32, floodSessions: 200 }

const tenants = ['a', 'b', 'c', 'd', 'e'].map((name, n) => ({ name: `team-${name}/app`, address: `127.7.0.${n + 1}` }))
/** How many messages a second each tenant submits. */
const tenantRate = 3
const restSeconds = 10
const perAddress = 40
const addressesPerGuesser = 50
/** The count of descriptors may vary by this many, since the journal holds a changing number of segments open. */
const segments = 6
const patienceMs = 120_000
const names = [...tenants.map(({ name }) => name), 'mail/flood', 'mail/slow']

const addresses = (net: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `127.${net}.${Math.floor(n / 250)}.${(n % 250) + 1}`)

/** Submits one message on a connection of its own; the milliseconds from the connection to the 250 after the final dot. */
async function submitOnce(access: Access, sent: Map<string, Sent>, id: string): Promise<number> {
  const forwardPaths = [`a.${id}@x.test`]
  const message = loadMessage({ id, reversePath: `app@${senderDomain}`, forwardPaths }, 4096)
  const sends = { digest: message.digest, deliverable: forwardPaths, undeliverable: [] }
  sent.set(id, { ...sends, acknowledged: false })
  const start = performance.now()
  const session = await SmtpSession.open(access)
  await session.expect(session.submit(message), 250)
  const waitedMs = performance.now() - start
  sent.set(id, { ...sends, acknowledged: true })
  session.close()
  return waitedMs
}

/** Each tenant submits at its rate: a message begins when it is due, even if the one before was not answered yet. */
async function submitFor(seconds: number, access: Access, sent: Map<string, Sent>, phase: string) {
  const failures: string[] = []
  const waits = await Promise.all(
    tenants.map(async ({ name, address }, place) => {
      // The tenants begin at different moments, since they would otherwise wait for each other.
      await sleep((place * 1000) / tenantRate / tenants.length)
      const times: number[] = []
      const running: Promise<void>[] = []
      const own = { ...access, localAddress: address, login: { username: name, password } }
      for (let n = 0; n < seconds * tenantRate; n += 1) {
        const one = submitOnce(own, sent, `${phase}-${address}-${n}`)
        running.push(
          one.then(
            (ms) => void times.push(ms),
            (error: Error) => void failures.push(error.message),
          ),
        )
        await sleep(1000 / tenantRate)
      }
      await Promise.all(running)
      return [name, waitsOf(times)] as const
    }),
  )
  return { waits: Object.fromEntries(waits), failures }
}

export async function overload(plan: OverloadPlan) {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-overload-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const receiver = await startSwiftReceiver(folder)
  const listenPort = await freePort()
  writeRelay(folder, tenantsConfig({ listenPort, smarthostPort: receiver.port, names }), certificates)
  const relay = await startRelay(folder, [], bundleRelay(join(folder, 'dist')))
  const access = accessTo(listenPort, certificates)
  const as = (username: string): Access => ({ ...access, login: { username, password } })
  const sent = new Map<string, Sent>()
  const crowds: ChildProcess[] = []
  const gauging = gauge(relay, 250)
  try {
    const rest = await submitFor(restSeconds, access, sent, 'rest')
    const before = descriptorsOf(relay.pid)
    const idleMiB = gauging.memory.at(-1)?.value ?? 0
    const places = addresses(4, Math.ceil(plan.slowClients / perAddress))
    const slow = slowKinds.map((kind, k) => ({
      kind,
      localAddresses: Array.from({ length: plan.slowClients / slowKinds.length }, (_, n) => {
        return places[(n * slowKinds.length + k) % places.length] ?? ''
      }),
    }))
    const patient = startCrowd({ access: as('mail/slow'), slow })
    crowds.push(patient)
    await until(
      'the slow clients are there',
      async () => (await tell(patient, 'report')).slow >= plan.slowClients * 0.98,
      patienceMs,
    )
    const guessers = Array.from({ length: plan.guessers }, (_, n) =>
      addresses(5, plan.guessers * addressesPerGuesser).filter((_address, i) => i % plan.guessers === n),
    )
    const guessing = startCrowd({ access: as('team-a/app'), guessers })
    const flood = { localAddresses: addresses(6, 4), sessions: plan.floodSessions / 4, bytes: 4096 }
    const flooding = startCrowd({ access: as('mail/flood'), flood })
    crowds.push(guessing, flooding)
    await until('the flood has begun', async () => (await tell(flooding, 'report')).flooded > 100, patienceMs)
    const floodedBefore = (await tell(flooding, 'report')).flooded
    const guessesBefore = (await tell(guessing, 'report')).guesses
    const begun = performance.now()
    const crowded = await submitFor(plan.seconds, access, sent, 'crowd')
    const seconds = (performance.now() - begun) / 1000
    const [slowest, guessed, flooded] = [
      await tell(patient, 'end'),
      await tell(guessing, 'end'),
      await tell(flooding, 'end'),
    ] as const
    const most = {
      memoryMiB: inMebibytes(Math.max(...gauging.memory.map(({ value }) => value))),
      descriptors: Math.max(...gauging.descriptors.map(({ value }) => value)),
    }
    await until('the sessions are gone', async () => (await relay.status()).sessions === 0, patienceMs)
    await until('the queue is empty', async () => inQueue(await relay.status()) === 0, patienceMs)
    await until('idle connections are closed', () => descriptorsOf(relay.pid) <= before + segments, patienceMs).catch(
      () => undefined,
    )
    const refusals = refusalsIn(await relay.metrics())
    const after = descriptorsOf(relay.pid)
    const exitCode = await relay.end('SIGTERM')
    const own = receiver.arrivals().filter(({ id }) => id !== 'flood')
    return {
      ...check(sent, own.map(seen)),
      seconds: Math.round(seconds),
      rest: rest.waits,
      crowded: crowded.waits,
      failures: [...rest.failures, ...crowded.failures],
      slowAtTheEnd: slowest.slow,
      guessesPerSecond: Math.round((guessed.guesses - guessesBefore) / seconds),
      floodPerSecond: Math.round((flooded.flooded - floodedBefore) / seconds),
      floodOthers: [...new Set(flooded.others)],
      memoryMiB: { idle: inMebibytes(idleMiB), most: most.memoryMiB },
      descriptors: { before, most: most.descriptors, after },
      refusals,
      exitCode,
    }
  } finally {
    gauging.stop()
    for (const crowd of crowds) crowd.kill('SIGKILL')
    await relay.end('SIGKILL').catch(() => undefined)
    await receiver.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How often messages were refused, by `rule stage`. */
const refusalsIn = (metrics: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...metrics.matchAll(/^relayfleet_smtpd_refusals_total\{(.*)\} (\d+)$/gm)].map(([, labels = '', count]) => [
      `${/rule="([^"]*)"/.exec(labels)?.[1]} ${/stage="([^"]*)"/.exec(labels)?.[1]}`,
      Number(count),
    ]),
  )

const worstMs = (waits: Readonly<Record<string, Waits>>): number =>
  Math.max(...Object.values(waits).map(({ p99Ms }) => p99Ms))

/** The promises, and whether each was kept. */
export const overloadPromises = (r: OverloadReport): Readonly<Record<string, boolean>> => ({
  'nothing acknowledged is lost': r.lost.length === 0,
  'nothing is invented': r.invented.length === 0,
  'nothing is damaged': r.damaged.length === 0,
  'no tenant within its share is refused': r.failures.length === 0,
  'the flood had ten times the share': r.floodPerSecond >= 10 * tenantRate,
  'passwords were guessed at': r.guessesPerSecond > 0,
  'it holds less than 256 MiB': r.memoryMiB.most < 256,
  'descriptors are flat': r.descriptors.after <= r.descriptors.before + segments,
  'it ends cleanly when asked': r.exitCode === 0,
})

export function printOverload(r: OverloadReport): void {
  const {
    lost,
    invented,
    damaged,
    failures,
    memoryMiB,
    descriptors,
    rest,
    crowded,
    refusals,
    floodOthers,
    ...numbers
  } = r
  const counts = { lost: lost.length, invented: invented.length, damaged: damaged.length, failures: failures.length }
  const memory = `${memoryMiB.idle} idle, ${memoryMiB.most} at most`
  const files = `${descriptors.before} before, ${descriptors.most} at most, ${descriptors.after} after`
  console.table({ ...numbers, ...counts, memoryMiB: memory, descriptors: files })
  const names = Object.keys(crowded)
  console.table(
    Object.fromEntries(
      names.map((name) => [
        name,
        {
          restP50: rest[name]?.p50Ms,
          restP99: rest[name]?.p99Ms,
          p50: crowded[name]?.p50Ms,
          p99: crowded[name]?.p99Ms,
        },
      ]),
    ),
  )
  console.table(refusals)
  for (const text of new Set([...failures, ...floodOthers])) console.log(text)
  console.table(overloadPromises(r))
}

if (import.meta.main) {
  const options = Object.fromEntries(
    Object.entries(wholeOverload).map(([name, value]) => [name, { type: 'string' as const, default: `${value}` }]),
  )
  const { values } = parseArgs({ options })
  const of = (name: keyof OverloadPlan): number => Number(values[name])
  const report = await overload({
    seconds: of('seconds'),
    slowClients: of('slowClients'),
    guessers: of('guessers'),
    floodSessions: of('floodSessions'),
  })
  printOverload(report)
  const withinTime = worstMs(report.crowded) <= 500
  console.log(`no tenant within its share waits more than 500 ms (p99): ${withinTime}`)
  process.exitCode = withinTime && Object.values(overloadPromises(report)).every(Boolean) ? 0 : 1
}
