/** Asks the relays, writes the statuses that have changed, and records an Event where the state of an object turns. */
import type { Compiled } from '../../compile/compiled.ts'
import type { Ref } from '../../compile/snapshot.ts'
import { Dirty } from '../../dirty.ts'
import type { Verifier } from '../../dns/verifier.ts'
import type { KnownUses } from '../../known-uses.ts'
import type { Api } from '../api/api.ts'
import { rest } from '../api/rest.ts'
import type { Bindings } from '../bindings/bindings.ts'
import type { Occasion } from '../events/event-series.ts'
import type { Fleets } from '../fleets/fleets.ts'
import type { LoadedConfigs } from '../fleets/loaded-configs.ts'
import type { Publisher } from '../publishing/publisher.ts'
import type { World } from '../watch/world.ts'
import { type Ask, type AskUsage, askRelay, askUsage } from './ask-relay.ts'
import { FleetDesk } from './fleet-desk.ts'
import { goingStatus } from './going.ts'
import { Inquiry } from './inquiry.ts'
import { type Reported, reportedOf } from './reported.ts'
import { StatusDesk } from './status-desk.ts'
import { StatusWriter } from './status-writer.ts'
import { UsageDesk } from './usage-desk.ts'

export type Reporter = {
  /**
   * What there is to report on from now on; returns at once. `uids`: of the objects that it was compiled from, so that
   * nothing is said of a later one of the same name.
   */
  give(compiled: Compiled, uids: ReadonlyMap<Ref, string>): void
  /** Something was heard or written that statuses may depend on; only raises a flag. */
  wake(): void
  run(signal: AbortSignal): Promise<void>
}

export type Reporting = {
  readonly api: Pick<Api, 'apply'>
  readonly world: Pick<World, 'declaredAs' | 'going' | 'pods' | 'knowsPods' | 'made'>
  readonly fleets: Pick<Fleets, 'written' | 'had' | 'nudge' | 'again'>
  readonly bindings: Pick<Bindings, 'troubles'>
  readonly records: Pick<Verifier, 'look'>
  readonly publisher: Pick<Publisher, 'troubles'>
  readonly keyUses: KnownUses
  /** Told which configuration all relays of a fleet report. */
  readonly loaded?: Pick<LoadedConfigs, 'note'>
  /** A standby asks nobody and writes nothing. */
  readonly mayWrite: () => boolean
  readonly record: (occasion: Occasion) => void
  /** A status that could not be written, and is tried again. */
  readonly failed?: (ref: Ref, error: unknown) => void
  /** One status that was written took so long. */
  readonly took?: (ms: number) => void
  /** The wall clock. */
  readonly now?: () => number
  readonly ask?: Ask
  readonly askUsage?: AskUsage
  /** How often relays are asked what is used of limits. */
  readonly usageMs?: number
}

/**
 * A burst of news is one turn; and while news go on, a turn is followed by a pause of four times its length, up to a second.
 */
const pauseMs = (tookMs: number): number => Math.min(1000, Math.max(20, 4 * tookMs))
/**
 * How soon a standby notices that it leads; and how late the operator notices what no news tell of, as the age of a queue.
 */
const standbyMs = 500
const longestMs = 15_000

export function openReporter(reporting: Reporting): Reporter {
  const dirty = new Dirty()
  const { mayWrite, now = Date.now } = reporting
  let reported: Reported | undefined

  return {
    give(compiled, uids) {
      reported = reportedOf(compiled, uids)
      dirty.mark()
    },
    wake: () => dirty.mark(),
    async run(signal) {
      const desks = desksOf(reporting, () => dirty.mark(), signal)
      while (!signal.aborted) {
        const begin = performance.now()
        const leads = mayWrite()
        if (!leads) desks.forget()
        const at = leads && reported !== undefined ? desks.turn(reported, now()) : Number.POSITIVE_INFINITY
        const pause = pauseMs(performance.now() - begin)
        const ms = Math.min(Math.max(0, at - now()), leads ? longestMs : standbyMs)
        await dirty.nextWithin(ms, signal)
        await rest(pause, signal)
      }
      desks.forget()
    },
  }
}

function desksOf(reporting: Reporting, changed: () => void, signal: AbortSignal) {
  const { api, mayWrite, ask = askRelay, now = Date.now, failed = () => undefined } = reporting
  const fleets = new FleetDesk({ ...reporting, inquiry: new Inquiry({ ask, changed, now, signal }) })
  const usages = new UsageDesk({ ...reporting, ask: reporting.askUsage ?? askUsage, changed, signal, now })
  const writer: StatusWriter = new StatusWriter({
    api,
    mayWrite,
    signal,
    written: (job, object) => {
      statuses.written(job, object)
      changed()
    },
    gone: (job) => statuses.gone(job),
    failed: (job, error) => failed(job.ref, error),
    took: reporting.took,
  })
  const statuses = new StatusDesk({ ...reporting, writer })
  /**
   * The uids of objects whose namespace is being deleted and whose status was written so, since the watch may not have told
   * of that yet.
   */
  let told: ReadonlySet<string> = new Set()
  const tellGoing = (at: number): void => {
    const going = reporting.world.going()
    for (const declared of going) {
      const job = told.has(declared.uid) ? undefined : goingStatus(declared, at)
      if (job !== undefined) writer.give(job)
    }
    told = new Set(going.map(({ uid }) => uid))
  }
  return {
    /** One turn over all that has changed; returns when the next is due without any news; milliseconds since the epoch. */
    turn(reported: Reported, at: number): number {
      const { standings, known, at: judgeAgain } = fleets.judge(reported, at)
      const used = usages.look(reported, at)
      const again = statuses.report({ reported, standings, known, usages: used, now: at })
      tellGoing(at)
      return Math.min(judgeAgain, used.at, again)
    },
    forget(): void {
      fleets.forget()
      usages.forget()
      statuses.forget()
      told = new Set()
      writer.clear()
    },
  }
}
