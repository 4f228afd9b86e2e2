/** What waits for its time, one entry of three numbers for each message: a heap by time, and one timer for its top. */
import { Column } from '../spool/column.ts'

/** Far less than a timer can hold: the top is looked at again after so long, whatever its time. */
const lookAgainMs = 60_000
/** After an outage very many are due at once; others have their turns in between. */
const atOnce = 1000

export class Schedule {
  readonly #now: () => number
  readonly #due: (handles: readonly number[]) => void
  readonly #at = new Column('floats')
  readonly #handle = new Column('words')
  /** Position in the heap + 1 of each handle; 0: it does not wait. */
  readonly #position = new Column('words')
  #size = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `due` gets what has become due, the earliest first. */
  constructor(now: () => number, due: (handles: readonly number[]) => void) {
    this.#now = now
    this.#due = due
  }

  get size(): number {
    return this.#size
  }

  has(handle: number): boolean {
    return this.#positionOf(handle) >= 0
  }

  /** Waits until `at`, or until the earlier time with which it was added before. */
  add(handle: number, at: number): void {
    const known = this.#positionOf(handle)
    if (known >= 0 && this.#timeOf(known) <= at) return
    const from = known >= 0 ? known : this.#size++
    this.#put(from, handle, at)
    this.#rise(from)
    if (this.#handle.get(0) === handle) this.#arm()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#size === 0 || this.#stopped) return
    const wait = Math.max(0, Math.min(this.#timeOf(0) - this.#now(), lookAgainMs))
    this.#timer = setTimeout(() => this.#ring(), wait).unref()
  }

  #ring(): void {
    const now = this.#now()
    const due: number[] = []
    while (this.#timeOf(0) <= now && due.length < atOnce) due.push(this.#pop())
    this.#arm()
    if (due.length > 0) this.#due(due)
  }

  #pop(): number {
    const top = this.#handle.get(0)
    this.#position.set(top, 0)
    this.#size -= 1
    if (this.#size > 0) {
      this.#put(0, this.#handle.get(this.#size), this.#at.get(this.#size))
      this.#sink(0)
    }
    return top
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#timeOf(parent) <= this.#timeOf(at)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      const least = this.#timeOf(left + 1) < this.#timeOf(left) ? left + 1 : left
      if (this.#timeOf(least) >= this.#timeOf(at)) return
      this.#swap(at, least)
      at = least
    }
  }

  #positionOf(handle: number): number {
    return this.#position.get(handle) - 1
  }

  #timeOf(position: number): number {
    return position < this.#size ? this.#at.get(position) : Number.POSITIVE_INFINITY
  }

  #put(position: number, handle: number, at: number): void {
    this.#at.set(position, at)
    this.#handle.set(position, handle)
    this.#position.set(handle, position + 1)
  }

  #swap(a: number, b: number): void {
    const [handle, at] = [this.#handle.get(a), this.#at.get(a)]
    this.#put(a, this.#handle.get(b), this.#at.get(b))
    this.#put(b, handle, at)
  }
}
