/** Tells people by Events what happened to their objects; nothing else ever waits for it. */
import { randomUUID } from 'node:crypto'
import { backoffMs } from '../../backoff.ts'
import type { Api } from '../api/api.ts'
import { isConflict, isNotFound, isTransient } from '../api/api-error.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { Pace, type Rate } from '../api/pace.ts'
import { resources } from '../api/resource.ts'
import { rest } from '../api/rest.ts'
import { EventSeries, type EventWrite, type Occasion } from './event-series.ts'

export type Recording = {
  readonly api: Pick<Api, 'create' | 'merge'>
  /** The name of this operator, e.g. its pod. */
  readonly reporter: string
  readonly rate?: Rate
  /** The wall clock. */
  readonly now?: () => number
  /** Called once for each Event that could not be written, with what it was about and what went wrong, for people. */
  readonly lost?: (object: string, why: string) => void
}

/** Allows a burst, as when a fleet of a thousand credentials starts, and a trickle after it. */
const ordinary: Rate = { perSecond: 5, burst: 100 }
const mostWaiting = 1000
const lookMs = 1000
const tries = 3

export class Recorder {
  readonly #recording: Recording
  readonly #series: EventSeries
  readonly #now: () => number
  #waiting: EventWrite[] = []

  constructor(recording: Recording) {
    this.#recording = recording
    this.#series = new EventSeries(recording.reporter)
    this.#now = recording.now ?? Date.now
  }

  /** Never throws, never waits. */
  record(occasion: Occasion): void {
    const write = this.#series.note(occasion, this.#now(), randomUUID().slice(0, 13).replace('-', ''))
    if (write === undefined) return
    if (this.#waiting.length < mostWaiting) this.#waiting.push(write)
    else this.#lose(write, `it was dropped, since more than ${mostWaiting} Events were waiting to be written`)
  }

  /** Writes what is recorded until the signal ends, from where what is left waits for the next run; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const pace = new Pace(this.#recording.rate ?? ordinary)
    while (!signal.aborted) {
      this.#waiting.push(...this.#series.due(this.#now()))
      await this.#writeAll(pace, signal)
      await pause(lookMs, signal)
    }
  }

  async #writeAll(pace: Pace, signal: AbortSignal): Promise<void> {
    for (let [write] = this.#waiting; write !== undefined; [write] = this.#waiting) {
      await pause(pace.waitMs(performance.now()), signal)
      if (!signal.aborted) await this.#write(write, signal)
      // What was under way at the end is tried once more, which does no harm.
      if (signal.aborted) return
      this.#waiting.shift()
    }
  }

  async #write(write: EventWrite, signal: AbortSignal): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#carryOut(write, signal)
      } catch (error) {
        if (signal.aborted || isMade(write, error)) return
        if (failures === tries || !isTransient(error)) return this.#lose(write, String(error), isNotFound(error))
        await pause(backoffMs(failures, { firstMs: 500, longestMs: 5000 }, Math.random()), signal)
      }
    }
  }

  async #carryOut(write: EventWrite, signal: AbortSignal): Promise<void> {
    const { api } = this.#recording
    if (write.do === 'create') await api.create(write.event, { signal })
    else {
      const { namespace, name, series } = write
      await api.merge(resources.events, { namespace, name }, { series }, { signal })
    }
  }

  /**
   * An API server keeps Events for an hour: where one is gone that was to be counted up, nothing is lost that is worth
   * telling.
   */
  #lose(write: EventWrite, why: string, expected = false): void {
    this.#series.forget(write)
    if (!expected || write.do === 'create') this.#recording.lost?.(told(write), why)
  }
}

/** Whether an earlier try made it, the answer to which did not come: no other Event has its name. */
const isMade = (write: EventWrite, error: unknown): boolean => write.do === 'create' && isConflict(error)

function told(write: EventWrite): string {
  if (write.do === 'count') return `Event ${write.namespace}/${write.name}`
  const { reason, regarding } = write.event as KubeObject & Pick<Occasion, 'reason' | 'regarding'>
  return `Event ${reason} of ${regarding.kind} ${keyOf(regarding)}`
}

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  if (ms > 0) await rest(ms, signal)
}
