/**
 * A real relay under moderate mixed load, for as long as one likes: how its memory and descriptors develop, and whether
 * everything arrived. To run it alone: `npx node test/local/soak.ts --minutes 60 --rate 40`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { check } from './history.ts'
import { inQueue } from './in-queue.ts'
import { startLoad } from './load.ts'
import { startNuisances } from './nuisances.ts'
import { descriptorsOf, gauge, inMebibytes, memorySlope } from './process-gauge.ts'
import { seen, startReceiver } from './receiver.ts'
import { recordMessages } from './recorded-messages.ts'
import { accessTo, loadConfig, startRelay, writeRelay } from './relay-process.ts'
import { until } from './until.ts'

export type SoakPlan = {
  readonly minutes: number
  /** Messages a second; five times as many while it warms up. */
  readonly rate: number
}

export type SoakReport = Awaited<ReturnType<typeof soak>>

const large = 300_000
const reloadEveryMs = 60_000
const nuisanceEveryMs = 500
/** For the end of what was opened: longer than the relay keeps an idle connection to a smarthost. */
const patienceMs = 60_000
/** The count of descriptors may vary by this many, since the journal holds a changing number of segments open. */
const segments = 6

export async function soak({ minutes, rate }: SoakPlan) {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-soak-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const receiver = await startReceiver(folder, { keep: false })
  const listenPort = await freePort()
  const config = loadConfig({ listenPort, smarthostPort: receiver.port, maxConnections: 10 })
  writeRelay(folder, config, certificates)
  const relay = await startRelay(folder)
  const before = descriptorsOf(relay.pid)
  const gauging = gauge(relay)
  try {
    const messages = recordMessages({ bytesOf: (n) => (n % 50 === 0 ? large : 4096) })
    const access = accessTo(listenPort, certificates)
    // V8 goes on compiling code as it becomes hot, for an hour at this load, and that looks like a leak. So the load is higher at
    // first, and only the relay that is warm is measured.
    const warming = startLoad({ access, sessions: 6, rate: rate * 4, messagesPerConnection: 20, ...messages })
    const steady = startLoad({ access, sessions: 4, rate: rate * 0.7, messagesPerConnection: 500, ...messages })
    const single = startLoad({ access, sessions: 2, rate: rate * 0.3, messagesPerConnection: 1, ...messages })
    const nuisances = startNuisances(access, nuisanceEveryMs)
    let edits = 0
    const reloading = setInterval(() => {
      edits += 1
      writeRelay(folder, { ...config, authFailures: { ...config.authFailures, max: 10 + (edits % 2) } }, certificates)
    }, reloadEveryMs)

    const durationMs = minutes * 60_000
    const warmUpMs = Math.min(10 * 60_000, durationMs / 3)
    await sleep(warmUpMs)
    warming.stop()
    await warming.done
    await sleep(durationMs - warmUpMs)
    clearInterval(reloading)
    const samples = { memory: [...gauging.memory], heap: [...gauging.heap], descriptors: [...gauging.descriptors] }
    steady.stop()
    single.stop()
    await Promise.all([steady.done, single.done, nuisances.stop()])
    await until('the queue is empty', async () => inQueue(await relay.status()) === 0, patienceMs)
    const rested = (): boolean => descriptorsOf(relay.pid) <= before + segments
    await until('what was opened is closed', rested, patienceMs).catch(() => undefined)

    const spanMs = Math.max(5_000, (durationMs - warmUpMs) / 50)
    const warm = samples.memory.filter(({ atMs }) => atMs >= warmUpMs).map(({ value }) => value)
    const open = samples.descriptors.filter(({ atMs }) => atMs >= warmUpMs).map(({ value }) => value)
    const after = { descriptors: descriptorsOf(relay.pid), sessions: (await relay.status()).sessions }
    return {
      minutes,
      ...check(messages.sent, receiver.arrivals().map(seen)),
      refused: messages.refused,
      unknown: messages.unknown(),
      nuisances: nuisances.count(),
      edits,
      slopeMiBPerHour: memorySlope(samples.memory, warmUpMs, spanMs),
      heapSlopeMiBPerHour: memorySlope(samples.heap, warmUpMs, spanMs),
      heapLowMiB: inMebibytes(Math.min(...samples.heap.slice(-120).map(({ value }) => value))),
      memoryMiB: { least: inMebibytes(Math.min(...warm)), most: inMebibytes(Math.max(...warm)) },
      descriptors: { before, least: Math.min(...open), most: Math.max(...open), after: after.descriptors },
      sessionsAfter: after.sessions,
      exitCode: await relay.end('SIGTERM'),
    }
  } finally {
    gauging.stop()
    await relay.end('SIGKILL').catch(() => undefined)
    await receiver.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The promises, and whether each was kept; the growth of memory is judged only after an hour or more. */
export const soakPromises = (r: SoakReport): Readonly<Record<string, boolean>> => ({
  'nothing acknowledged is lost': r.lost.length === 0,
  'nothing is invented': r.invented.length === 0,
  'nothing is damaged': r.damaged.length === 0,
  'nothing arrives twice': r.duplicates + r.duplicateReports === 0,
  'no right message is refused': r.refused.length === 0 && r.unknown === 0,
  'descriptors are flat': r.descriptors.after <= r.descriptors.before + segments,
  'no session is left': r.sessionsAfter === 0,
  'it ends cleanly when asked': r.exitCode === 0,
  'it holds less than 256 MiB': r.memoryMiB.most < 256,
  ...(r.minutes >= 60 && { 'memory grows by at most 1 MiB an hour': r.slopeMiBPerHour <= 1 }),
})

export function printSoak(report: SoakReport): void {
  const { lost, invented, damaged, refused, memoryMiB, descriptors, ...numbers } = report
  const counts = { lost: lost.length, invented: invented.length, damaged: damaged.length, refused: refused.length }
  const memory = `${memoryMiB.least} to ${memoryMiB.most}`
  const files = `${descriptors.before} before, ${descriptors.least} to ${descriptors.most}, ${descriptors.after} after`
  console.table({ ...numbers, ...counts, memoryMiB: memory, descriptors: files })
  for (const reply of new Set(refused)) console.log(`refused: ${reply}`)
  console.table(soakPromises(report))
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '60' }, rate: { type: 'string', default: '40' } },
  })
  const report = await soak({ minutes: Number(values.minutes), rate: Number(values.rate) })
  printSoak(report)
  process.exitCode = Object.values(soakPromises(report)).every(Boolean) ? 0 : 1
}
