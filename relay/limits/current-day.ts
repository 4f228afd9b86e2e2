/**
 * Which day is counted for, and how long it lasts: the store's where it has ever named one, even while it is away. Else each absence
 * of the store might begin another day, that of our own clock.
 */
import { dayFrom, dayKept, type NamedDay, namedDay } from '../rules/named-day.ts'
import { type Day, dayAt, restOfDayMs } from '../rules/utc-day.ts'
import { dayOfStore, type QuotaFile } from './quota-file.ts'

type Parts = {
  /** Absent: the store's day does not outlive the process. */
  readonly file: QuotaFile | undefined
  /** Whether the policy has a store now. */
  readonly hasStore: () => boolean
  /** Milliseconds since the epoch. */
  readonly wall: () => number
  readonly monotonic: () => number
}

/** The end of a day is written to the file again only when it differs by this much. */
const driftMs = 1000

export class CurrentDay {
  readonly #parts: Parts
  /** By this relay's own clocks. */
  #own: Day | undefined
  /** By the store's last word; undefined: no store has named one. */
  #named: NamedDay | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    const kept = parts.file?.get(dayOfStore)
    if (kept === undefined) return
    this.#named = dayKept({ number: kept.day, ends: kept.recipients }, parts.wall(), parts.monotonic())
  }

  /** `number`: days since the epoch. `restMs`: milliseconds until it ends. */
  get today(): { readonly number: number; readonly restMs: number } {
    const { hasStore, wall, monotonic } = this.#parts
    const now = monotonic()
    this.#own = dayAt(this.#own, wall(), now)
    const named = this.#named && dayFrom(this.#named, now)
    // Where the policy has no store any more, the day that it named still lasts to its end; from then on our own clock counts.
    if (named?.number !== this.#named?.number && !hasStore()) this.#named = undefined
    return named === undefined || this.#named === undefined
      ? { number: this.#own.number, restMs: restOfDayMs(this.#own) }
      : { number: named.number, restMs: named.ends - now }
  }

  /** A store has named its day, which lasts for so long from `now` on, a moment of the monotonic clock. */
  name(number: number, restMs: number, now: number): void {
    this.#named = namedDay(number, restMs, now)
    this.#keep(this.#named, now)
  }

  /** In the file: a relay that starts while the store is away would have to go by its own clock, which may be wrong. */
  #keep({ number, ends }: NamedDay, now: number): void {
    const { file, wall } = this.#parts
    const kept = file?.get(dayOfStore)
    const byWall = Math.max(0, Math.round(wall() + ends - now))
    if (kept?.day === number && Math.abs(kept.recipients - byWall) < driftMs) return
    file?.note(dayOfStore, { day: number, recipients: byWall })
  }
}
