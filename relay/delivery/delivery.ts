/** The sending half: everything that the spool holds is delivered, captured, reported, or waits for its next attempt. */
import type { LoadedConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { SmarthostStatus } from '../http.ts'
import type { QueuedMessage } from '../mail/envelope.ts'
import type { Spool } from '../spool/spool.ts'
import { createLookup } from './addresses.ts'
import { Captures } from './captures.ts'
import { createClockWatch } from './clock.ts'
import { Dispatcher } from './dispatcher.ts'
import { Ledger } from './ledger.ts'
import { OpenAttempts } from './open-attempts.ts'
import { type PoolLimits, poolLimits } from './pool.ts'
import { Schedule } from './schedule.ts'
import { type Deadlines, deadlines } from './stage.ts'
import { isDone, type Parcel, type Tracked, track } from './tracked.ts'
import { within } from './within.ts'

export type Delivery = {
  /** Schedules everything that the spool holds and everything that it is told from now on. */
  start(): void
  /** New limits, smarthosts and secrets apply to the next connection; idle ones of changed smarthosts are closed. */
  reload(): void
  /** Finishes what is in flight and starts nothing; after graceMs closes the connections, and their messages stay queued. */
  close(graceMs: number): Promise<void>
  /** A message whose recipients part ways counts once for each part. */
  summary(): Summary
  /** Health of every smarthost, for status pages. */
  smarthosts(): readonly SmarthostStatus[]
}

export type Summary = {
  readonly ready: number
  readonly deferred: number
  readonly inFlight: number
  readonly oldestAcceptedAt: number | undefined
}

export type DeliveryParts = {
  readonly spool: Spool
  readonly events: Events
  readonly loaded: () => LoadedConfig
  readonly inboxDirectory: string
  /** A file of ours: see OpenAttempts. */
  readonly attemptsFile: string
  readonly now?: () => number
  /** Does not jump when the clock is set. */
  readonly monotonic?: () => number
  readonly random?: () => number
  readonly deadlines?: Deadlines
  readonly poolLimits?: PoolLimits
  /** How soon a write that the spool refused is repeated. */
  readonly repeatMs?: number
}

export function createDelivery(parts: DeliveryParts): Delivery {
  const { spool, events, loaded, inboxDirectory, now = Date.now, random = Math.random } = parts
  const tracked = new Map<string, Tracked>()
  /** DSNs that their maker hands over when their originals are closed. */
  const coming = new Set<string>()
  const clock = createClockWatch(now, parts.monotonic ?? monotonicFor(parts), (byMs) =>
    events.unexpected(
      'clock',
      new Error(`the clock was set by ${Math.round(byMs / 1000)} s; nothing expires until a restart`),
    ),
  )
  const schedule = new Schedule<Parcel>(now, (due) => due.forEach(admit))
  const ledger = new Ledger({
    spool,
    events,
    now,
    random,
    own: () => ({ hostname: loaded().config.hostname, policy: loaded().config.policy }),
    onComing: (id) => coming.add(id),
    onDsn: (dsn) => {
      coming.delete(dsn.envelope.queueId)
      arrive(dsn)
    },
    onRetry: (parcel, at) => schedule.add(parcel, at),
    ...(parts.repeatMs !== undefined && { repeatMs: parts.repeatMs }),
    onGone: ({ envelope }) => tracked.delete(envelope.queueId),
  })
  const captures = new Captures({ directory: inboxDirectory, source: spool, ledger, events })
  const openAttempts = new OpenAttempts(parts.attemptsFile)
  const dispatcher = new Dispatcher({
    source: spool,
    ledger,
    openAttempts,
    events,
    now,
    around: { lookup: createLookup(), deadlines: parts.deadlines ?? deadlines },
    poolLimits: parts.poolLimits ?? poolLimits,
    mayExpire: () => clock.trusted(),
  })
  /** The submission's 250 comes first: what arrives waits for the end of its turn. */
  let arrivals: QueuedMessage[] = []
  let closing = false

  function admit(parcel: Parcel): void {
    if (parcel.message.envelope.disposition === 'capture') captures.add(parcel)
    else dispatcher.add(parcel)
  }

  function onQueued(message: QueuedMessage): void {
    if (coming.has(message.envelope.queueId)) return
    arrivals.push(message)
    if (arrivals.length === 1) setImmediate(takeArrivals)
  }

  function takeArrivals(): void {
    const arrived = arrivals
    arrivals = []
    arrived.forEach(arrive)
  }

  function arrive(queued: QueuedMessage): void {
    const { queueId } = queued.envelope
    if (tracked.has(queueId)) return
    const message = track(queued)
    tracked.set(queueId, message)
    if (!closing) scheduleAll(message)
  }

  /** Recipients of the same time stay together. */
  function scheduleAll(message: Tracked): void {
    const due = now()
    const byTime = new Map<number, number[]>()
    for (const [i, state] of message.recipients.entries()) {
      if (isDone(state)) continue
      const at = Math.max(due, state.nextAttemptAt)
      const together = byTime.get(at)
      if (together === undefined) byTime.set(at, [i])
      else together.push(i)
    }
    for (const [at, recipients] of byTime) {
      if (at > due) schedule.add({ message, recipients }, at)
      else admit({ message, recipients })
    }
  }

  /** What a crash kept from being recorded: a DSN in the spool closes the recipients that it reports. */
  function finishSettlements(messages: readonly Tracked[]): void {
    for (const message of messages) {
      const { reports } = message.envelope
      const original = reports === undefined ? undefined : tracked.get(reports.queueId)
      if (original !== undefined) void ledger.close(original, new Set(reports?.forwardPaths))
      if (message.recipients.every(isDone)) void ledger.close(message, new Set())
    }
  }

  /** What the crash left open and the spool does not know the end of may have been delivered (case S04). */
  function tellInterrupted(): void {
    for (const queueId of openAttempts.takeLeft()) {
      if (tracked.get(queueId)?.recipients.some((r) => !isDone(r))) events.interrupted(queueId)
    }
  }

  return {
    start() {
      spool.onQueued(onQueued)
      for (const queued of spool.messages()) tracked.set(queued.envelope.queueId, track(queued))
      const messages = [...tracked.values()]
      finishSettlements(messages)
      tellInterrupted()
      dispatcher.reload(loaded())
      messages.forEach(scheduleAll)
    },
    reload: () => dispatcher.reload(loaded()),
    async close(graceMs) {
      closing = true
      schedule.stop()
      await within(graceMs + lastWritesMs, Promise.all([dispatcher.stop(graceMs), captures.stop()]))
      await within(lastWritesMs, ledger.stop())
      await within(lastWritesMs, openAttempts.close())
    },
    summary() {
      const [oldest] = tracked.values()
      return {
        ready: dispatcher.waiting + captures.waiting + arrivals.length,
        deferred: schedule.size,
        inFlight: dispatcher.inFlight + captures.inFlight,
        oldestAcceptedAt: oldest?.envelope.acceptedAt,
      }
    },
    smarthosts: () => dispatcher.smarthosts(),
  }
}

/** A disk that hangs must not keep the process. */
const lastWritesMs = 2000

/** A clock that somebody injected is trusted. */
const monotonicFor = ({ now }: DeliveryParts): (() => number) => now ?? (() => performance.now())
