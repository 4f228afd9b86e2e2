/**
 * Kills a relay under load at random moments, starts it again at once, and proves by the history that nothing that was
 * acknowledged is lost. Alone: `node test/local/kill.ts --kills 100 --rate 200 --seed 1`.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { check, type Sent, type Verdict } from './history.ts'
import { startLoad, type Told } from './load.ts'
import { type LoadMessage, loadMessage } from './load-message.ts'
import { type Arrival, startReceiver } from './receiver.ts'
import { accessTo, loadConfig, type Relay, senderDomain, spawnRelay, startRelay, writeRelay } from './relay-process.ts'
import { seededRandom } from './seeded-random.ts'
import { until } from './until.ts'

export type KillPlan = { readonly kills: number; readonly rate: number; readonly seed: number }

export type KillReport = Verdict & {
  readonly kills: number
  readonly seed: number
  /** Kills before the relay had opened its listener again. */
  readonly killsWhileStarting: number
  readonly submitted: number
  readonly refused: readonly string[]
  readonly unknown: number
  /** Deliveries that may be in flight at the kills, and so may be made twice. */
  readonly duplicatesAllowed: number
  readonly acknowledgedPerSecondUp: number
  readonly startMs: { readonly p50: number; readonly max: number }
  readonly exitCode: number | null
}

const sessions = 16
const maxConnections = 5
const bytes = 4096
const drainMs = 60_000

/** What one message in twenty is: most are plain, some need more than one attempt or a report. */
const recipientsOf = (n: number): { readonly deliverable: string[]; readonly undeliverable: string[] } => {
  switch (n % 20) {
    case 1:
      return { deliverable: [`a.${n}@x.test`, `b.${n}@y.test`], undeliverable: [] }
    case 2:
      return { deliverable: [`451once.${n}@x.test`], undeliverable: [] }
    case 3:
      return { deliverable: [], undeliverable: [`550.${n}@x.test`] }
    case 4:
      return { deliverable: [`a.${n}@x.test`, `451once.${n}@x.test`], undeliverable: [`550.${n}@x.test`] }
    default:
      return { deliverable: [`a.${n}@x.test`], undeliverable: [] }
  }
}

export async function killRun({ kills, rate, seed }: KillPlan): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-kill-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const receiver = await startReceiver(folder, { keep: false })
  const listenPort = await freePort()
  writeRelay(folder, loadConfig({ listenPort, smarthostPort: receiver.port, maxConnections }), certificates)
  const history = recordHistory()
  const load = { access: accessTo(listenPort, certificates), sessions, rate, ...history }
  try {
    const first = await startRelay(folder)
    const running = startLoad(load)
    const { relay, startMs, upMs, whileStarting } = await killOften(folder, first, kills, seededRandom(seed))
    running.stop()
    await running.done
    await drained(relay)
    const exitCode = await relay.end('SIGTERM')
    const verdict = check(history.sent, receiver.arrivals().map(seen))
    return {
      ...verdict,
      kills,
      seed,
      killsWhileStarting: whileStarting,
      submitted: history.sent.size,
      refused: history.refused,
      unknown: history.unknown(),
      duplicatesAllowed: maxConnections * kills,
      acknowledgedPerSecondUp: Math.round(verdict.acknowledged / (upMs / 1000)),
      startMs: { p50: median(startMs), max: Math.max(...startMs) },
      exitCode,
    }
  } finally {
    await receiver.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Notes before the first octet leaves that a message is on its way, and later what its client was told. */
function recordHistory() {
  const sent = new Map<string, Sent>()
  const refused: string[] = []
  let unknown = 0
  let n = 0
  return {
    sent,
    refused,
    unknown: () => unknown,
    next: (): LoadMessage => {
      n += 1
      const { deliverable, undeliverable } = recipientsOf(n)
      const id = `m${n}`
      const forwardPaths = [...deliverable, ...undeliverable]
      const message = loadMessage({ id, reversePath: `app@${senderDomain}`, forwardPaths }, bytes)
      sent.set(id, { digest: message.digest, acknowledged: false, deliverable, undeliverable })
      return message
    },
    tell: (told: Told<LoadMessage>): void => {
      const entry = sent.get(told.submission.id)
      if (entry && told.kind === 'acknowledged') sent.set(told.submission.id, { ...entry, acknowledged: true })
      if (told.kind === 'refused') refused.push(`${told.reply.code} ${told.reply.text}`)
      if (told.kind === 'unknown') unknown += 1
    },
  }
}

/** Some kills hit a relay that is still recovering: the moment when it has most to lose. */
async function killOften(folder: string, first: Relay, kills: number, random: () => number) {
  let relay = first
  let upMs = 0
  let whileStarting = 0
  const startMs: number[] = []
  for (let k = 0; k < kills; k += 1) {
    const since = performance.now()
    await sleep(100 + random() * 600)
    upMs += performance.now() - since
    await relay.end('SIGKILL')
    if (random() < 0.2) {
      whileStarting += 1
      k += 1
      await killWhileStarting(folder, random() * 400)
    }
    const started = performance.now()
    relay = await startRelay(folder)
    startMs.push(performance.now() - started)
  }
  return { relay, startMs, upMs, whileStarting }
}

async function killWhileStarting(folder: string, afterMs: number): Promise<void> {
  const child = spawnRelay(folder)
  await sleep(afterMs)
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const drained = (relay: Relay): Promise<boolean> =>
  until(
    'the queue is empty',
    async () => {
      const { ready, deferred, inFlight } = (await relay.status()).queue
      return ready + deferred + inFlight === 0
    },
    drainMs,
  )

const seen = (a: Arrival) => ({ ...a, id: a.id ?? `(number ${a.number})`, digest: a.digest ?? '' })

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.trunc(values.length / 2)] ?? 0)

export function printReport(report: KillReport): void {
  const { lost, invented, damaged, refused, startMs, ...numbers } = report
  console.table({
    ...numbers,
    refused: refused.length,
    lost: lost.length,
    invented: invented.length,
    damaged: damaged.length,
    'start p50 ms': startMs.p50,
    'start max ms': Math.round(startMs.max),
  })
  for (const [what, list] of Object.entries({ lost, invented, damaged, refused })) {
    if (list.length > 0) console.log(`${what}: ${list.slice(0, 20).join(' · ')}`)
  }
}

/** What a run must have shown; each line is one promise. */
export const promises = (r: KillReport): Readonly<Record<string, boolean>> => ({
  'nothing acknowledged is lost': r.lost.length === 0,
  'nothing is invented': r.invented.length === 0,
  'nothing is damaged': r.damaged.length === 0,
  'no more duplicates than deliveries in flight': r.duplicates + r.duplicateReports <= r.duplicatesAllowed,
  'no refusal of a right message': r.refused.length === 0,
  'it ends cleanly when asked': r.exitCode === 0,
})

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: process.env['RELAYFLEET_KILLS'] ?? '100' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string', default: `${randomInt(1_000_000)}` },
    },
  })
  const report = await killRun({ kills: Number(values.kills), rate: Number(values.rate), seed: Number(values.seed) })
  printReport(report)
  console.table(promises(report))
  process.exitCode = Object.values(promises(report)).every(Boolean) ? 0 : 1
}
