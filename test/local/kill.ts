/**
 * Kills a relay under load at random moments, starts it again at once, and proves by the history that nothing that was
 * acknowledged is lost. To run it alone: `npx node test/local/kill.ts --kills 1000 --rate 600 --seed 1`.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { check } from './history.ts'
import { allKept, type KillReport, printReport } from './kill-report.ts'
import { startLoad } from './load.ts'
import { median } from './median.ts'
import { seen, startReceiver, startSwiftReceiver } from './receiver.ts'
import { recordMessages } from './recorded-messages.ts'
import { accessTo, loadConfig, writeRelay } from './relay-process.ts'
import { seededRandom } from './seeded-random.ts'
import { Victim } from './victim.ts'

export type KillPlan = {
  readonly kills: number
  readonly rate: number
  readonly seed: number
  /** How long the relay runs each time, drawn at random between these; by default 100 to 1,000 ms. */
  readonly livesMs?: readonly [least: number, most: number]
  /** Takes our own receiver instead of aiosmtpd, whose speed would otherwise be the limit. */
  readonly swift?: boolean
  /** With SIGTERM, the relay is asked to end instead, and may then neither lose nor double anything; SIGKILL by default. */
  readonly signal?: 'SIGKILL' | 'SIGTERM'
}

const sessions = 16
/** The default of a smarthost. */
const maxConnections = 20
const drainMs = 60_000
/** In this share of the kills, the relay is killed once more while it starts. */
const killAgain = 0.2

/** Runs the plan in a new folder, which is kept for inspection if a promise was broken. */
export async function killRun(plan: KillPlan): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-kill-'))
  const report = await killRunIn(folder, plan).catch((error: Error) => {
    throw new Error(`seed ${plan.seed}, see ${folder}: ${error.message}`, { cause: error })
  })
  if (allKept(report)) rmSync(folder, { recursive: true, force: true })
  else console.error(`a promise was broken; look at ${folder}`)
  return report
}

async function killRunIn(folder: string, plan: KillPlan): Promise<KillReport> {
  const { rate, seed, signal = 'SIGKILL', swift = false } = plan
  const certificates = await makeCertificates(['127.0.0.1'])
  const receiver = await (swift ? startSwiftReceiver(folder) : startReceiver(folder, { keep: false }))
  const listenPort = await freePort()
  writeRelay(folder, loadConfig({ listenPort, smarthostPort: receiver.port, maxConnections }), certificates)
  const messages = recordMessages()
  const victim = new Victim(folder)
  try {
    await victim.start()
    const load = startLoad({ access: accessTo(listenPort, certificates), sessions, rate, ...messages })
    const killing = killOften(victim, plan, seededRandom(seed)).finally(load.stop)
    await Promise.all([killing, load.done])
    await victim.drained(drainMs)
    const exitCode = await victim.end('SIGTERM')
    const verdict = check(messages.sent, receiver.arrivals().map(seen))
    return {
      ...verdict,
      kills: victim.kills,
      seed,
      killsWhileStarting: victim.killsWhileStarting,
      submitted: messages.sent.size,
      refused: messages.refused.filter((reply) => signal === 'SIGKILL' || !goingDown.test(reply)),
      unknown: messages.unknown(),
      duplicatesAllowed: maxConnections * victim.kills,
      duplicatesCounted: await toldOfTwice(join(folder, 'relay.log')),
      acknowledgedPerSecondUp: Math.round(verdict.acknowledged / (victim.upMs / 1000)),
      startMs: { p50: median(victim.startMs), max: Math.max(...victim.startMs) },
      exitCode,
    }
  } finally {
    await victim.gone()
    await receiver.stop()
  }
}

/** How often the log says that a message may arrive twice. After a thousand kills it is too long for one string. */
async function toldOfTwice(path: string): Promise<number> {
  let told = 0
  const log = await open(path)
  for await (const line of log.readLines()) told += line.split('"msg":"may arrive twice').length - 1
  return told
}

/** The reply that every session may get once the relay was asked to end; it counts as no refusal. */
const goingDown = /^421 4\.3\.2 /

async function killOften(victim: Victim, plan: KillPlan, random: () => number): Promise<void> {
  const { kills, signal = 'SIGKILL', livesMs: [least, most] = [100, 1000] } = plan
  const live = (): Promise<void> => sleep(least + random() * (most - least))
  for (let asked = 0; signal === 'SIGTERM' && asked < kills; asked += 1) {
    await live()
    const exitCode = await victim.end('SIGTERM')
    if (exitCode !== 0) throw new Error(`asked to end, the relay ended with ${exitCode}`)
    await victim.start()
  }
  while (signal === 'SIGKILL' && victim.kills < kills) {
    await live()
    await victim.end('SIGKILL')
    if (victim.kills < kills && random() < killAgain) await victim.killWhileStarting(random() * 400)
    await victim.start()
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: process.env['RELAYFLEET_KILLS'] ?? '100' },
      rate: { type: 'string', default: '600' },
      seed: { type: 'string', default: `${randomInt(1_000_000)}` },
      lives: { type: 'string', default: '100-3000' },
    },
  })
  const [least = 100, most = 3000] = values.lives.split('-').map(Number)
  const report = await killRun({
    kills: Number(values.kills),
    rate: Number(values.rate),
    seed: Number(values.seed),
    livesMs: [least, most],
    swift: true,
  })
  printReport(report)
  process.exitCode = allKept(report) ? 0 : 1
}
