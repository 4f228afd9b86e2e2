/** What waits for its time: a heap by time, and one timer for its top. */

type Entry<T> = { readonly at: number; readonly item: T }

/** The clock may be set: look at it at least once a minute. */
const longestTimerMs = 60_000

export class Schedule<T> {
  readonly #heap: Entry<T>[] = []
  readonly #now: () => number
  readonly #due: (items: readonly T[]) => void
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `due` gets what has become due, the earliest first. */
  constructor(now: () => number, due: (items: readonly T[]) => void) {
    this.#now = now
    this.#due = due
  }

  get size(): number {
    return this.#heap.length
  }

  add(item: T, at: number): void {
    this.#heap.push({ at, item })
    this.#rise(this.#heap.length - 1)
    if (this.#heap[0]?.item === item) this.#arm()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const [top] = this.#heap
    if (top === undefined || this.#stopped) return
    const wait = Math.max(0, Math.min(top.at - this.#now(), longestTimerMs))
    this.#timer = setTimeout(() => this.#ring(), wait).unref()
  }

  #ring(): void {
    const now = this.#now()
    const due: T[] = []
    for (let [top] = this.#heap; top !== undefined && top.at <= now; [top] = this.#heap) {
      due.push(top.item)
      this.#pop()
    }
    this.#arm()
    if (due.length > 0) this.#due(due)
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink(0)
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

  #timeOf(at: number): number {
    return this.#heap[at]?.at ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined) return
    this.#heap[a] = second
    this.#heap[b] = first
  }
}
