/**
 * All faults at the same time, at random: next hops that misbehave, kills, ends, pauses, hops that go away, a full disk, clients
 * that break off, and changes of the configuration. Then the faults end, and each recipient of what was acknowledged must have
 * its message or be reported in a DSN: `npx node test/local/ordeal.ts --seconds 60 --seed 1`.
 */
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { RelayConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { route, smarthost } from '../relay/delivery/samples.ts'
import { breakOff } from './break-off.ts'
import { type Deed, deedsOf } from './deeds.ts'
import { type Fates, fatesIn } from './fates.ts'
import { FickleHop, type Mood } from './fickle-hop.ts'
import { freePort } from './free-port.ts'
import { counted } from './history.ts'
import { startLoad } from './load.ts'
import { recordMessages } from './recorded-messages.ts'
import { accessTo, loadConfig, writeRelay } from './relay-process.ts'
import { seededRandom } from './seeded-random.ts'
import { Victim } from './victim.ts'

export type OrdealPlan = {
  readonly seconds: number
  readonly seed: number
  /** In how many of a hundred answers of the hops something goes wrong; 3 by default. */
  readonly trouble?: number
  /** Puts the spool on a volume of so many MiB, which is full now and then; needs root. */
  readonly megabytes?: number
}

export type OrdealReport = Fates & {
  readonly seed: number
  readonly deeds: Readonly<Record<string, number>>
  readonly submitted: number
  readonly refusals: Readonly<Record<string, number>>
  readonly exitCode: number | null
}

const sessions = 12
const rate = 150
const drainMs = 120_000

/** The promises, and whether each was kept. */
export const promises = (r: OrdealReport): Readonly<Record<string, boolean>> => ({
  'nothing acknowledged is lost': r.lost.length === 0,
  'nothing is invented': r.invented.length === 0,
  'nothing is damaged': r.damaged.length === 0,
  'each recipient that is given up is reported': r.unreported.length === 0,
  'no other recipient is reported': r.wronglyReported.length === 0,
  'each copy beyond the first was logged': r.untold.length === 0,
  'no error is logged but what the faults bring about': r.errors.length === 0,
  'it ends cleanly when asked': r.exitCode === 0,
})

const allKept = (report: OrdealReport): boolean => Object.values(promises(report)).every(Boolean)

/**
 * Runs the plan in a new folder, which is kept for inspection if a promise was broken.
 * @throws Error that names the seed and the folder
 */
export async function ordeal(plan: OrdealPlan): Promise<OrdealReport> {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-ordeal-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  if (plan.megabytes) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${plan.megabytes}m`, 'tmpfs', data])
  const mood: Mood = { random: seededRandom(plan.seed + 1), trouble: plan.trouble ?? 3 }
  const hops = [new FickleHop(mood), new FickleHop(mood), new FickleHop(mood)]
  const victim = new Victim(folder)
  let report: OrdealReport | undefined
  try {
    for (const hop of hops) await hop.start()
    report = await suffered(plan, { folder, data, mood, hops, victim })
    return report
  } catch (error) {
    throw new Error(`seed ${plan.seed}, see ${folder}: ${(error as Error).message}`, { cause: error })
  } finally {
    await victim.gone()
    for (const hop of hops) await hop.stop()
    if (plan.megabytes) execFileSync('umount', ['-l', data])
    if (report && allKept(report)) rmSync(folder, { recursive: true, force: true })
    else console.error(`a promise was broken; look at ${folder}`)
  }
}

type Stage = {
  readonly folder: string
  readonly data: string
  readonly mood: Mood
  readonly hops: readonly FickleHop[]
  readonly victim: Victim
}

async function suffered({ seconds, seed, megabytes }: OrdealPlan, stage: Stage): Promise<OrdealReport> {
  const { folder, data, mood, hops, victim } = stage
  const random = seededRandom(seed)
  const certificates = await makeCertificates(['127.0.0.1'])
  const listenPort = await freePort()
  const configure = (chance: () => number): void => writeRelay(folder, configOf(listenPort, hops, chance), certificates)
  const access = accessTo(listenPort, certificates)
  const mail = recordMessages({
    recipientsOf: (n) => recipients(n, random),
    isRefused: (path) => path.startsWith('bad.'),
    bytesOf: () => sizes[Math.floor(random() * sizes.length)] ?? 600,
  })
  configure(() => 0.5)
  await victim.start()
  const load = startLoad({ access, sessions, rate, messagesPerConnection: 20, ...mail })
  const rude = new AbortController()
  const breaking = breakOff(access, seededRandom(seed + 2), rude.signal)
  const deeds = deedsOf({
    victim,
    hops,
    configure: () => configure(random),
    random,
    ...(megabytes && { volume: data }),
  })
  const done = await doFor(seconds, deeds, random).finally(() => {
    load.stop()
    rude.abort()
  })
  await Promise.all([load.done, breaking])
  mood.trouble = 0
  configure(() => 0.5)
  await victim.drained(drainMs)
  const exitCode = await victim.end('SIGTERM')
  const log = readFileSync(join(folder, 'relay.log'), 'utf8').split('\n')
  const taken = hops.flatMap((hop) => hop.taken)
  return {
    ...fatesIn(mail.sent, taken, log),
    ...{ seed, deeds: done, submitted: mail.sent.size, exitCode },
    refusals: Object.fromEntries(counted(mail.refused)),
  }
}

async function doFor(seconds: number, deeds: readonly Deed[], random: () => number) {
  const done: Record<string, number> = {}
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    await sleep(50 + random() * 500)
    const [name, deed] = deeds[Math.floor(random() * deeds.length)] as Deed
    done[name] = (done[name] ?? 0) + 1
    await deed()
  }
  return done
}

/** Draws a configuration: routes, priorities, connections, times, and whether the credential may send. */
function configOf(listenPort: number, hops: readonly FickleHop[], chance: () => number): RelayConfig {
  const plain = loadConfig({ listenPort, smarthostPort: 0, maxConnections: 20 })
  const most = (): number => 1 + Math.floor(chance() * 12)
  const to = (...which: readonly number[]) =>
    which.map((i) => {
      const rest = { maxConnections: most(), priority: Math.floor(chance() * 2) }
      return smarthost(`hop-${i}`, hops[i]?.port ?? 0, rest)
    })
  const retry = { scheduleMs: [100 + Math.floor(chance() * 400), 600], expireAfterMs: 86_400_000 }
  // Only this route gives up early: DSNs go by the other one, so they never expire.
  const hurried = { ...retry, expireAfterMs: chance() < 0.3 ? 3000 : 86_400_000 }
  const match = { senderDomains: [], recipientDomains: ['x.test'] }
  const split = { ...route('x', to(2), { retry: hurried }), match }
  const suspended = chance() < 0.05
  return {
    ...plain,
    routes: [...(chance() < 0.6 ? [split] : []), route('default', chance() < 0.6 ? to(0, 1) : to(1), { retry })],
    credentials: plain.credentials.map((credential) => ({ ...credential, suspended })),
    evidence: { addresses: 'Clear' },
  }
}

const sizes = [600, 4096, 4096, 12_000, 250_000] as const

/** Draws the recipients of a message; those that begin with `bad.` are refused for good by every hop. */
function recipients(n: number, random: () => number): readonly string[] {
  const count = random() < 0.6 ? 1 : 1 + Math.floor(random() * 8)
  return Array.from({ length: count }, (_, i) => {
    const kind = random() < 0.15 ? 'bad' : 'good'
    return `${kind}.${n}.${i}@${random() < 0.5 ? 'x' : 'y'}.test`
  })
}

export function printReport(report: OrdealReport): void {
  const entries = Object.entries(report)
  const lists = entries.flatMap(([what, value]) => (Array.isArray(value) ? [[what, value] as const] : []))
  const numbers = entries.filter(([, value]) => typeof value === 'number')
  console.table(Object.fromEntries([...numbers, ...lists.map(([what, list]) => [what, list.length])]))
  console.table({ ...report.deeds, ...report.refusals })
  for (const [what, list] of lists) if (list.length > 0) console.log(`${what}: ${list.slice(0, 10).join(' · ')}`)
  console.table(promises(report))
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: `${randomInt(1_000_000)}` },
      trouble: { type: 'string', default: '3' },
      megabytes: { type: 'string', default: '0' },
    },
  })
  const [seconds, seed, trouble] = [Number(values.seconds), Number(values.seed), Number(values.trouble)]
  const report = await ordeal({ seconds, seed, trouble, megabytes: Number(values.megabytes) })
  printReport(report)
  process.exitCode = allKept(report) ? 0 : 1
}
