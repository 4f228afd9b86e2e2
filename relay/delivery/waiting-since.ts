/** Since when mail waits, on the steady clock, though the wall clock that its acceptance was told by may have been set (case S23). */
import { heldSince } from './believed.ts'

/** A clock that is set by less does not matter. More may be all the time that a route gives its mail. */
const stepMs = 60_000
/** So many settings are remembered of a clock that is set again and again. */
const mostSettings = 16

/** From this moment of the steady clock on, the wall clock was ahead of it by so much. */
type Setting = { readonly from: number; readonly aheadBy: number }

type Clocks = { readonly wall: () => number; readonly steady: () => number }

export class WaitingSince {
  readonly #clocks: Clocks
  readonly #onStep: (byMs: number) => void
  /** The latest last. */
  #settings: readonly Setting[] = [{ from: Number.NEGATIVE_INFINITY, aheadBy: 0 }]
  /** A time of acceptance that cannot be true counts as this one. */
  #startedAt: number

  constructor(clocks: Clocks, onStep: (byMs: number) => void) {
    this.#clocks = clocks
    this.#onStep = onStep
    this.#startedAt = clocks.steady()
  }

  /** Notices a step: before a time is judged, and when something is accepted, so that it is known by which setting it was. */
  look(): void {
    const now = this.#clocks.steady()
    const aheadBy = this.#clocks.wall() - now
    const before = this.#settings.at(-1)?.aheadBy ?? 0
    if (Math.abs(aheadBy - before) <= stepMs) return
    this.#settings = [...this.#settings, { from: now, aheadBy }]
    if (this.#settings.length > mostSettings) {
      this.#settings = withoutOldest(this.#settings)
      this.#startedAt = now
    }
    this.#onStep(aheadBy - before)
  }

  /** Then what was accepted at the earliest time of day may not be what waits longest. */
  get hasStepped(): boolean {
    return this.#settings.length > 1
  }

  /** On the steady clock. */
  of(acceptedAt: number, expireAfterMs: number, now: number): number {
    return heldSince(this.#steady(acceptedAt, now), expireAfterMs, this.#startedAt, now)
  }

  /** Nothing that was accepted then, or later, waits for longer than since this. */
  atTheEarliest(acceptedAt: number): number {
    return acceptedAt - Math.max(...this.#settings.map(({ aheadBy }) => aheadBy))
  }

  /** By the latest setting of the clock that can have shown this time: if two can, nothing is given up too early. */
  #steady(acceptedAt: number, now: number): number {
    let until = now
    for (let i = this.#settings.length - 1; i > 0; i--) {
      const { from, aheadBy } = this.#settings[i] as Setting
      const at = acceptedAt - aheadBy
      if (at >= from - stepMs && at <= until + stepMs) return at
      until = from
    }
    return acceptedAt - (this.#settings[0] as Setting).aheadBy
  }
}

/** Of the two oldest one is left, which is least ahead: what was accepted by either then expires later, and never too early. */
const withoutOldest = ([first, second, ...others]: readonly Setting[]): readonly Setting[] => [
  { from: Number.NEGATIVE_INFINITY, aheadBy: Math.min(first?.aheadBy ?? 0, second?.aheadBy ?? 0) },
  ...others,
]
