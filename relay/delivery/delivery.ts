/** The sending half: everything that the spool holds is delivered, captured, reported, or waits for its next attempt. */
import type { LoadedConfig } from '../config.ts'
import type { Events } from '../events.ts'
import { Headroom } from '../headroom.ts'
import type { SigningStatus, SmarthostStatus } from '../http.ts'
import { Keyrings } from '../keys/keyrings.ts'
import type { QueuedMessage } from '../mail/envelope.ts'
import type { Disk } from '../spool/disk.ts'
import type { Spool } from '../spool/spool.ts'
import { Turns } from '../turns.ts'
import { within } from '../within.ts'
import { createLookup } from './addresses.ts'
import { longestBackoffMs } from './backoff.ts'
import { believed, isWaiting } from './believed.ts'
import { Captures, captureRetry } from './captures.ts'
import { Dispatcher, noRouteRetry } from './dispatcher.ts'
import { type Dns, systemDns } from './dns.ts'
import { Intake } from './intake.ts'
import { KnownExchangers } from './known-exchangers.ts'
import type { Lane } from './lane.ts'
import { Ledger } from './ledger.ts'
import { OpenAttempts } from './open-attempts.ts'
import { type PoolLimits, poolLimits } from './pool.ts'
import { isPublic } from './public-address.ts'
import { Roster, type Take } from './roster.ts'
import { Schedule } from './schedule.ts'
import { Signer } from './signer.ts'
import { type Deadlines, deadlines } from './stage.ts'
import { steadyClock } from './steady.ts'
import { dueIn, isDone, isIdle, type Tracked } from './tracked.ts'
import { Unread } from './unread.ts'
import { WaitingSince } from './waiting-since.ts'

export type Delivery = {
  /** Schedules everything that the spool holds and everything that it is told from now on. */
  start(): void
  /** New limits, smarthosts and secrets apply to the next connection; idle ones of changed smarthosts are closed. */
  reload(): void
  /** Finishes what is in flight and starts nothing; after graceMs closes the connections, and their messages stay queued. */
  close(graceMs: number): Promise<void>
  /** Counts each message once: in flight if any of its recipients is, else deferred if any is, else ready. */
  summary(): Summary
  /** Health of every smarthost, for status pages. */
  smarthosts(): readonly SmarthostStatus[]
  /** Keys that can not sign, and keys that the configuration names no more while mail that they signed is under way. */
  signing(): SigningStatus
}

type Summary = {
  readonly ready: number
  readonly deferred: number
  /** Messages, also those whose outcome could not be recorded yet. */
  readonly inFlight: number
  /** How long the oldest message has waited, whatever the clock was set to meanwhile; 0 where there is none. */
  readonly oldestSeconds: number
}

export type DeliveryParts = {
  readonly spool: Spool
  readonly events: Events
  readonly loaded: () => LoadedConfig
  readonly inboxDirectory: string
  readonly inboxDisk?: Disk
  /** A file of ours: see OpenAttempts. */
  readonly attemptsFile: string
  readonly now?: () => number
  /** Does not jump when the clock is set. */
  readonly monotonic?: () => number
  readonly random?: () => number
  readonly deadlines?: Deadlines
  readonly poolLimits?: PoolLimits
  /** Where exchangers are found; a test on one machine has its own. */
  readonly exchangers?: { readonly dns: Dns; readonly port: number; readonly mayReach: (address: string) => boolean }
  /** Shared with those who submit. */
  readonly turns?: Turns
  readonly headroom?: Headroom
  readonly keyrings?: Keyrings
  /** How soon a write that the spool refused is repeated. */
  readonly repeatMs?: number
  /** When it returns, all log lines so far have left this process, and outlive it. */
  readonly flushLog?: () => void
}

export function createDelivery(parts: DeliveryParts): Delivery {
  const {
    spool,
    events,
    loaded,
    inboxDirectory,
    now: wall = Date.now,
    random = Math.random,
    flushLog = () => {},
  } = parts
  const { now, timeOfDay } = steadyClock(wall, parts.monotonic ?? monotonicFor(parts))
  let longestMs = 0
  const roster = new Roster(spool, (state) => believed(state, now(), longestMs))
  /** DSNs that the ledger hands over when their originals are closed; until then the spool's word of them does not count. */
  const coming = new Set<string>()
  const waitingSince = new WaitingSince({ wall, steady: now }, (byMs) => events.clockStepped(Math.round(byMs / 1000)))
  const intake = new Intake({
    credentialOf: (handle) => spool.outline(handle)?.credential,
    pass,
    look: (handle) => take(handle, look),
  })
  const schedule = new Schedule(now, (handles) => intake.add(handles))
  const ledger = new Ledger({
    spool,
    events,
    now,
    wall,
    timeOfDay,
    waitingSince,
    random,
    own: () => loaded().config,
    onComing: (id) => coming.add(id),
    onDsn: (dsn) => {
      coming.delete(dsn.envelope.queueId)
      arrive(dsn)
    },
    onRetry: wait,
    onWritten: (message) => roster.release(message),
    repeatMs: parts.repeatMs,
    onGone: (message) => roster.drop(message),
  })
  const unread = new Unread({ spool, events }, 'spool')
  // Not the same: a content may have a file of its own, and where that can not be read the message can.
  const unreadContents = new Unread({ spool, events }, 'content')
  const captures = new Captures({
    directory: inboxDirectory,
    disk: parts.inboxDisk,
    spool,
    take,
    ledger,
    events,
    unread: new Unread({ spool, events }, 'inbox'),
    look,
  })
  const openAttempts = new OpenAttempts(parts.attemptsFile, (error) => events.unexpected('open-attempts', error))
  const signer = new Signer({ events, now: wall, keyrings: parts.keyrings ?? new Keyrings() })
  const { port: exchangerPort, ...world } = parts.exchangers ?? { dns: systemDns(), port: 25, mayReach: isPublic }
  const exchangers = new KnownExchangers({ ...world, random, ownName: () => loaded().config.hostname }, now)
  const dispatcher = new Dispatcher({
    spool,
    roster,
    ledger,
    openAttempts,
    signer,
    events,
    unread: unreadContents,
    turns: parts.turns ?? new Turns(),
    headroom: parts.headroom ?? new Headroom(),
    now,
    random,
    exchangers,
    exchangerPort,
    around: {
      lookup: createLookup(now),
      deadlines: parts.deadlines ?? deadlines,
      noted: () => openAttempts.written(),
    },
    poolLimits: parts.poolLimits ?? poolLimits,
    look,
    again: (parked) => intake.adopt(parked),
    take,
    flushLog,
  })
  /** What has become ours in this turn of the event loop. It is looked at behind it, so that the client has its 250 first. */
  let arrivals: QueuedMessage[] = []
  let closing = false

  function wait(message: Tracked, at: number): void {
    const handle = spool.handleOf(message.envelope.queueId)
    if (handle !== undefined) schedule.add(handle, at)
  }

  /** Whatever is due goes on, unless somebody has it already; the others wait for their time. */
  function look(message: Tracked, lane?: Lane): void {
    const { due, next } = dueIn(message, now())
    if (next !== Number.POSITIVE_INFINITY) wait(message, next)
    if (due.length > 0 && !closing) {
      const parcel = { message, recipients: due }
      if (message.envelope.disposition === 'capture') captures.add(parcel)
      else dispatcher.add(parcel, lane)
    }
    if (isIdle(message) && message.recipients.every(isDone)) void ledger.close(message)
    roster.release(message)
  }

  function pass(handle: number): boolean {
    const outline = spool.outline(handle)
    if (outline === undefined) return true
    if (outline.disposition === 'relay') return dispatcher.park(handle, outline.credential)
    captures.park(handle, outline.credential)
    return true
  }

  async function take(handle: number, act: Parameters<Take>[1]): Promise<void> {
    const queueId = spool.outline(handle)?.queueId
    try {
      await roster.take(handle, (message) => {
        unread.read(message.envelope.queueId)
        return act(message)
      })
    } catch (error) {
      unread.failed(queueId, error)
      schedule.add(handle, now() + readAgainMs)
    }
  }

  function onQueued(message: QueuedMessage): void {
    if (coming.has(message.envelope.queueId)) return
    arrivals.push(message)
    if (arrivals.length > 1) return
    waitingSince.look()
    setImmediate(takeArrivals)
  }

  function takeArrivals(): void {
    const arrived = arrivals
    arrivals = []
    arrived.forEach(arrive)
  }

  function arrive(queued: QueuedMessage): void {
    if (!roster.has(queued.envelope.queueId)) look(roster.enter(queued))
  }

  function reload(): void {
    const schedules = [noRouteRetry, captureRetry, ...loaded().config.routes.map(({ retry }) => retry)]
    longestMs = longestBackoffMs(schedules.map(({ scheduleMs }) => scheduleMs))
    signer.reload(loaded())
    dispatcher.reload(loaded())
  }

  /** Each once, of those that are ours still. */
  function handlesInFlight(): readonly number[] {
    const queueIds = new Set([...dispatcher.inFlight, ...ledger.unwritten])
    return [...queueIds].map((queueId) => spool.handleOf(queueId)).filter((handle) => handle !== undefined)
  }

  function oldestSeconds(): number {
    waitingSince.look()
    const at = now()
    const trueTime = (acceptedAt: number): number => waitingSince.of(acceptedAt, Number.POSITIVE_INFINITY, at)
    const { oldestAcceptedAt = at } = spool
    const since = waitingSince.hasStepped ? (spool.earliest(trueTime) ?? at) : trueTime(oldestAcceptedAt)
    return Math.max(0, at - since) / 1000
  }

  /** Handles of what is due, in the order of acceptance; what waits is scheduled. */
  function* due(): Iterable<number> {
    const at = now()
    for (const handle of spool.handles()) {
      const outline = spool.outline(handle)
      if (outline !== undefined && isWaiting(outline, at, longestMs)) schedule.add(handle, outline.dueAt)
      else yield handle
    }
  }

  /** Tells of the attempts that a crash left open and whose end the spool does not know: they may have delivered (case S04). */
  function tellInterrupted(): void {
    for (const queueId of openAttempts.takeLeft()) {
      const handle = spool.handleOf(queueId)
      const outline = handle === undefined ? undefined : spool.outline(handle)
      if (outline !== undefined && outline.dueAt !== Number.POSITIVE_INFINITY) events.interrupted(queueId)
    }
    // In this turn still: in the next one the file of open attempts forgets them.
    flushLog()
  }

  return {
    start() {
      spool.onQueued(onQueued)
      tellInterrupted()
      reload()
      intake.add(due())
    },
    reload,
    async close(graceMs) {
      closing = true
      schedule.stop()
      intake.stop()
      await within(graceMs + lastWritesMs, Promise.all([dispatcher.stop(graceMs), captures.stop()]))
      await within(lastWritesMs, ledger.stop(lastWritesMs))
      await within(lastWritesMs, openAttempts.close())
    },
    summary() {
      const open = handlesInFlight()
      const inFlight = Math.min(open.length + captures.inFlight, spool.size)
      const waitToo = open.filter((handle) => schedule.has(handle)).length
      const deferred = Math.min(schedule.size - waitToo, spool.size - inFlight)
      const ready = dispatcher.waiting + captures.waiting + intake.size + arrivals.length
      return {
        ready: Math.min(ready, spool.size - inFlight - deferred),
        deferred,
        inFlight,
        oldestSeconds: oldestSeconds(),
      }
    },
    smarthosts: () => dispatcher.smarthosts((at) => new Date(timeOfDay(at)).toISOString()),
    signing: () => signer.status(),
  }
}

/** A disk that hangs must not keep the process. */
const lastWritesMs = 2000
const readAgainMs = 60_000

/** A clock that somebody injected is trusted. */
const monotonicFor = ({ now }: DeliveryParts): (() => number) => now ?? (() => performance.now())
