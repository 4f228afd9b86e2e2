/**
 * What one credential that floods costs the others (case R15): how long they wait for a 250 without and with the flood, in turns,
 * on sessions that stay and with a connection for each message. To run it alone: `npx node test/local/flood.ts --rounds 3`. With
 * `--folder /dev/shm`, it leaves out the disk, which may hold up everybody at any time, and so measures the relay's part only.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { busyMs } from '../../bench/processor-time.ts'
import { makeCertificates } from '../certificates.ts'
import { bundleRelay } from './bundle.ts'
import { type Priority, startCrowd, tell } from './crowd-process.ts'
import { besideDisk } from './disk-probe.ts'
import { freePort } from './free-port.ts'
import { inQueue } from './in-queue.ts'
import { loadMessage } from './load-message.ts'
import { median } from './median.ts'
import { startSink } from './receiver.ts'
import { accessTo, senderDomain, startRelay, writeRelay } from './relay-process.ts'
import { type Access, SmtpSession } from './smtp-session.ts'
import { password, tenantsConfig } from './tenants.ts'
import { until } from './until.ts'
import { type Waits, waitsOf } from './waits.ts'

export type FloodPlan = {
  readonly rounds: number
  /** The duration of each of the four phases of a round. */
  readonly seconds: number
  /** How many sessions the flood has, over four addresses; 200 is all that a policy's default lets them have. */
  readonly floodSessions: number
}

const wholeFlood: FloodPlan = { rounds: 3, seconds: 6, floodSessions: 200 }

/** `kept`: from MAIL to the 250 after the final dot, on a session that stays. `alone`: from the connection to that 250. */
type Way = 'kept' | 'alone'
/** Milliseconds; those of `disk` are what the disk took meanwhile for a write alone. */
type Times = Record<Way | 'disk', number[]>
export type FloodReport = Awaited<ReturnType<typeof flood>>

const tenants = ['team-a/app', 'team-b/app', 'team-c/app', 'team-d/app']
/** How many messages a second each tenant submits. */
const rates: Readonly<Record<Way, number>> = { kept: 10, alone: 5 }
const floodAddresses = ['127.6.0.1', '127.6.0.2', '127.6.0.3', '127.6.0.4']
const bytes = 4096
const patienceMs = 120_000

const message = loadMessage({ id: 'tenant', reversePath: `app@${senderDomain}`, forwardPaths: ['a@sink.test'] }, bytes)

/** Submits one message after the other on one session. The wait for the message before counts as part of a message's time. */
async function submitKept(access: Access, seconds: number, times: number[]): Promise<void> {
  const session = await SmtpSession.open(access)
  let last: Promise<unknown> = Promise.resolve()
  await eachDue(seconds, rates.kept, (due) => {
    last = last
      .then(() => session.expect(session.submit(message), 250))
      .then(() => void times.push(performance.now() - due))
    return last
  })
  await session.quit()
}

async function submitAlone(access: Access, seconds: number, times: number[]): Promise<void> {
  await eachDue(seconds, rates.alone, async (due) => {
    const session = await SmtpSession.open(access)
    await session.expect(session.submit(message), 250)
    times.push(performance.now() - due)
    session.close()
  })
}

/**
 * Does the deed at a fixed rate, even if earlier ones are not done yet.
 * @throws Error of the first deed that failed
 */
async function eachDue(seconds: number, rate: number, deed: (due: number) => Promise<unknown>): Promise<void> {
  const running: Promise<unknown>[] = []
  for (let n = 0; n < seconds * rate; n += 1) {
    running.push(deed(performance.now()))
    await sleep(1000 / rate)
  }
  await Promise.all(running)
}

const submitting = { kept: submitKept, alone: submitAlone } as const satisfies Record<Way, unknown>

async function submitFor(seconds: number, access: Access, times: Times): Promise<void> {
  for (const way of ['kept', 'alone'] as const)
    await Promise.all(
      tenants.map(async (username, place) => {
        // The tenants begin at different moments, since they would otherwise wait for each other.
        await sleep((place * 1000) / rates[way] / tenants.length)
        const own = { ...access, localAddress: `127.7.0.${place + 1}`, login: { username, password } }
        await submitting[way](own, seconds, times[way])
      }),
    )
}

export async function flood(
  { rounds, seconds, floodSessions }: FloodPlan,
  priority: Priority = 'idle',
  parent = tmpdir(),
) {
  const folder = mkdtempSync(join(parent, 'relayfleet-flood-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const sink = await startSink()
  const listenPort = await freePort()
  const names = [...tenants, 'mail/flood']
  writeRelay(folder, tenantsConfig({ listenPort, smarthostPort: sink.port, names }), certificates)
  const relay = await startRelay(folder, [], bundleRelay(join(folder, 'dist')))
  const access = accessTo(listenPort, certificates)
  const rest: Times[] = []
  const flooded: Times[] = []
  const hostsBefore = ticksOfHost()
  const taken = { messages: 0, seconds: 0, busyMs: 0 }
  const others: string[] = []
  // The first submissions do not count: the code that they run is not compiled yet.
  await submitFor(1, access, newOf([]))
  const submitBesideDisk = (times: Times) => besideDisk(folder, times.disk, () => submitFor(seconds, access, times))
  try {
    for (let round = 0; round < rounds; round += 1) {
      await submitBesideDisk(newOf(rest))
      const flooding = startCrowd(
        {
          access: { ...access, login: { username: 'mail/flood', password } },
          flood: {
            localAddresses: floodAddresses,
            sessions: floodSessions / floodAddresses.length,
            bytes,
            pipelined: true,
          },
        },
        priority,
      )
      try {
        await until('the flood is there', async () => (await tell(flooding, 'report')).flooded > 2000, patienceMs)
        const [before, begun, busy] = [
          (await tell(flooding, 'report')).flooded,
          performance.now(),
          busyMs(relay.pid).main,
        ]
        await submitBesideDisk(newOf(flooded))
        taken.seconds += (performance.now() - begun) / 1000
        taken.busyMs += busyMs(relay.pid).main - busy
        const report = await tell(flooding, 'end')
        taken.messages += report.flooded - before
        others.push(...report.others)
      } finally {
        flooding.kill('SIGKILL')
      }
      await until('the queue is empty', async () => inQueue(await relay.status()) === 0, patienceMs)
    }
    return {
      rest: waitsIn(rest),
      flooded: waitsIn(flooded),
      floodPerSecond: Math.round(taken.messages / taken.seconds),
      /** The share of the time that the relay's main thread had a processor, from 0 to 1. */
      busy: taken.busyMs / 1000 / taken.seconds,
      takenByHost: shareOfHost(hostsBefore, ticksOfHost()),
      others: [...new Set(others)],
      exitCode: await relay.end('SIGTERM'),
    }
  } finally {
    await relay.end('SIGKILL').catch(() => undefined)
    await sink.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function newOf(rounds: Times[]): Times {
  const times: Times = { kept: [], alone: [], disk: [] }
  rounds.push(times)
  return times
}

/** The waits of all rounds together, and the median of the rounds' own p99. */
type RoundsWaits = Waits & { readonly middleP99Ms: number }

function waitsIn(rounds: readonly Times[]): Readonly<Record<keyof Times, RoundsWaits>> {
  const of = (way: keyof Times): RoundsWaits => ({
    ...waitsOf(rounds.flatMap((times) => times[way])),
    middleP99Ms: median(rounds.map((times) => waitsOf(times[way]).p99Ms)),
  })
  return { kept: of('kept'), alone: of('alone'), disk: of('disk') }
}

/**
 * How many times as long as at rest the slowest of a hundred waits under the flood, each by the median of the rounds' p99. The
 * p99 of all rounds together would tell of the host, which may take the machine away for a tenth of a second each minute.
 */
const timesAsLong = ({ rest, flooded }: FloodReport, way: Way): number =>
  flooded[way].middleP99Ms / rest[way].middleP99Ms

type HostTicks = { readonly all: number; readonly taken: number }

/** The ticks that the kernel counts for all processors together, and those that the host gave to others ("steal"). */
function ticksOfHost(): HostTicks {
  const ticks = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number)
  return { all: ticks.reduce((sum, tick) => sum + tick, 0), taken: ticks[7] ?? 0 }
}

const shareOfHost = (before: HostTicks, after: HostTicks): number =>
  (after.taken - before.taken) / (after.all - before.all)

/** How many messages of the flood are answered during a median wait of the others: hardly depends on the machine's speed. */
export const answeredBefore = ({ flooded, floodPerSecond }: FloodReport, way: Way): number =>
  Math.round((flooded[way].p50Ms / 1000) * floodPerSecond)

export function printFlood(report: FloodReport): void {
  const row = (way: Way) => ({
    restP50: report.rest[way].p50Ms,
    restP99: report.rest[way].p99Ms,
    'restP99, middle round': report.rest[way].middleP99Ms,
    p50: report.flooded[way].p50Ms,
    p99: report.flooded[way].p99Ms,
    'p99, middle round': report.flooded[way].middleP99Ms,
    'times as long (p99, middle)': timesAsLong(report, way).toFixed(1),
    'of the flood before': answeredBefore(report, way),
    messages: report.flooded[way].messages,
  })
  console.table({ kept: row('kept'), alone: row('alone') })
  const { floodPerSecond, busy, takenByHost, others } = report
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  console.log(
    `flood: ${floodPerSecond} messages a second; the relay's thread was busy for ${percent(busy)} of it; others on the host took ${percent(takenByHost)} of the processors' time`,
  )
  const disk = ({ p50Ms, middleP99Ms }: RoundsWaits): string => `${p50Ms} ms, p99 of the middle round ${middleP99Ms} ms`
  console.log(`the disk alone: at rest p50 ${disk(report.rest.disk)}; under the flood p50 ${disk(report.flooded.disk)}`)
  for (const text of others) console.log(text)
}

if (import.meta.main) {
  const number = (value: number) => ({ type: 'string', default: `${value}` }) as const
  const { values } = parseArgs({
    options: {
      rounds: number(wholeFlood.rounds),
      seconds: number(wholeFlood.seconds),
      floodSessions: number(wholeFlood.floodSessions),
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const plan = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    floodSessions: Number(values.floodSessions),
  }
  const report = await flood(plan, 'idle', values.folder)
  printFlood(report)
  process.exitCode = timesAsLong(report, 'kept') <= 2 && timesAsLong(report, 'alone') <= 2 ? 0 : 1
}
