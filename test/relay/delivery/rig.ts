/** Runs delivery alone in a test: configuration, messages and events are plain values, and deadlines are in milliseconds. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RelayConfig, RouteConfig, SmarthostConfig } from '../../../relay/config.ts'
import { createDelivery, type Delivery, type DeliveryParts } from '../../../relay/delivery/delivery.ts'
import type { Deadlines } from '../../../relay/delivery/stage.ts'
import type { Attempt, Events } from '../../../relay/events.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { until } from '../../local/until.ts'
import { onTestFinished } from '../../own-test.ts'
import { MemorySpool } from './memory-spool.ts'
import { loadedWith, route, smarthost } from './samples.ts'

const stages = [
  'connect',
  'TLS',
  'banner',
  'EHLO',
  'STARTTLS',
  'AUTH',
  'RSET',
  'MAIL',
  'RCPT',
  'DATA',
  'content',
  'dot',
  'QUIT',
] as const

/** The same deadline for every stage, and one for the whole transaction that is too long to matter in a test. */
export const allWithin = (ms: number): Deadlines => ({
  ...(Object.fromEntries(stages.map((stage) => [stage, ms])) as Record<(typeof stages)[number], number>),
  transaction: 20_000 + ms,
})

/** Only for tests that wait for a deadline to pass: on a busy machine, a stage that works may take longer than this. */
export const fastDeadlines = allWithin(300)

/** One event, with its arguments. */
export type Told = { readonly fact: keyof Events; readonly arguments: readonly unknown[] }

export function recordEvents(): { events: Events; told: Told[]; attempts: Attempt[] } {
  const told: Told[] = []
  const attempts: Attempt[] = []
  const events = new Proxy({} as Events, {
    get:
      (_, fact) =>
      (...args: readonly unknown[]) => {
        told.push({ fact: fact as keyof Events, arguments: args })
        if (fact === 'attempted') attempts.push(args[0] as Attempt)
      },
  })
  return { events, told, attempts }
}

/** Starts delivery, which is closed when the test ends. */
export function rig(
  routes: readonly RouteConfig[],
  { spool = new MemorySpool(), config = {}, files = {}, openAttempts, ...parts }: RigOptions = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-delivery-'))
  const inboxDirectory = join(folder, 'inbox')
  const attemptsFile = join(folder, 'open-attempts')
  mkdirSync(inboxDirectory)
  if (openAttempts !== undefined) writeFileSync(attemptsFile, openAttempts)
  const { events, told, attempts } = recordEvents()
  const state = { loaded: loadedWith(routes, config, files) }
  const delivery: Delivery = createDelivery({
    spool,
    events,
    inboxDirectory,
    attemptsFile,
    loaded: () => state.loaded,
    random: () => 0.5,
    deadlines: allWithin(20_000),
    ...parts,
  })
  onTestFinished(async () => {
    await delivery.close(0)
    rmSync(folder, { recursive: true, force: true })
  })
  delivery.start()
  return {
    spool,
    delivery,
    told,
    attempts,
    inboxDirectory,
    attemptsFile,
    reload(next: readonly RouteConfig[], nextConfig: Partial<RelayConfig> = config, nextFiles = files) {
      state.loaded = loadedWith(next, nextConfig, nextFiles)
      delivery.reload()
    },
    facts: (fact: keyof Events) => told.filter((t) => t.fact === fact).map((t) => t.arguments),
    /** Resolves when nothing is in flight and nothing is ready. */
    quiet: () =>
      until('nothing is in flight or ready', () => {
        const { ready, inFlight } = delivery.summary()
        return ready === 0 && inFlight === 0
      }),
    /** Resolves when each recipient of the message was delivered, deferred or given up, with an attempt or without one. */
    settled: ({ queueId, forwardPaths }: Envelope) =>
      until('each recipient has had its turn', () => {
        const own = told.filter(({ arguments: [about] }) => about === queueId)
        const ended = own.filter(({ fact }) => fact === 'deferred' || fact === 'bounced').length
        const delivered = attempts.filter((a) => a.queueId === queueId && a.outcome.kind === 'delivered').length
        return ended + delivered >= forwardPaths.length
      }),
    // Each attempt adds 20 ms to the deadline, since a busy machine makes only about a hundred a second.
    attempted: (count: number) => until(`${count} attempts`, () => attempts.length >= count, 15_000 + 20 * count),
  }
}

type RigOptions = Partial<DeliveryParts> & {
  readonly spool?: MemorySpool
  readonly config?: Partial<RelayConfig>
  readonly files?: Readonly<Record<string, string>>
  /** What an earlier process left in the file of open attempts. */
  readonly openAttempts?: string
}

/** One route to one smarthost. */
export const oneSmarthost = (port: number, rest: Partial<SmarthostConfig> = {}): readonly RouteConfig[] => [
  route('default', [smarthost('a', port, rest)]),
]
