/** Messages whose time has come and that nobody has looked at: the credentials in turn, a few being read at a time. */
import type { Parked } from './parked.ts'
import { ReadyQueue } from './ready-queue.ts'

/** Each needs one read of the disk; more at one time would only wait for it. */
const readAtOnce = 16
/** What needs no read is quick, and others have their turns in between. */
const passedAtOnce = 1000

export type Handles = Pick<Parked, 'size' | 'shift'>

type Parts = {
  readonly credentialOf: (handle: number) => string | undefined
  /** True when it was taken as it is; what has to be looked at is read. */
  readonly pass: (handle: number) => boolean
  /** Reads it and lets it go on; never throws. */
  readonly look: (handle: number) => Promise<void>
}

export class Intake {
  readonly #parts: Parts
  readonly #waiting = new ReadyQueue<number>()
  /** That one, and queues that were adopted, however long; they take turns. */
  readonly #queues: Handles[] = [this.#waiting]
  #reading = 0
  #later: NodeJS.Immediate | undefined
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#queues.reduce((sum, { size }) => sum + size, this.#reading)
  }

  add(handles: Iterable<number>): void {
    for (const handle of handles) {
      const credential = this.#parts.credentialOf(handle)
      if (credential !== undefined) this.#waiting.push(credential, handle)
    }
    this.#go()
  }

  /** Takes over what lanes have left that are gone, as it is: to move a million of them would hold the loop for too long. */
  adopt(left: readonly Handles[]): void {
    this.#queues.push(...left.filter(({ size }) => size > 0))
    this.#go()
  }

  stop(): void {
    this.#stopped = true
    clearImmediate(this.#later)
  }

  #go(): void {
    for (let passed = 0; !this.#stopped && this.#reading < readAtOnce; passed += 1) {
      if (passed === passedAtOnce) {
        this.#goLater()
        return
      }
      const handle = this.#next()
      if (handle === undefined) return
      if (!this.#parts.pass(handle)) void this.#read(handle)
    }
  }

  #next(): number | undefined {
    for (let looks = this.#queues.length; looks > 0; looks -= 1) {
      const queue = this.#queues.shift()
      if (queue === undefined) break
      const handle = queue.shift()
      if (queue === this.#waiting || queue.size > 0) this.#queues.push(queue)
      if (handle !== undefined) return handle
    }
    return undefined
  }

  #goLater(): void {
    this.#later ??= setImmediate(() => {
      this.#later = undefined
      this.#go()
    })
  }

  async #read(handle: number): Promise<void> {
    this.#reading += 1
    await this.#parts.look(handle)
    this.#reading -= 1
    this.#go()
  }
}
