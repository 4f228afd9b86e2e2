/** Messages whose time has come and that nobody has looked at: the credentials in turn, a few being read at a time. */
import { ReadyQueue } from './ready-queue.ts'

/** Each takes one read of the disk; more at once only wait for it. */
const readAtOnce = 16
/** What needs no read is quick, and others have their turns in between. */
const passedAtOnce = 1000

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
  #reading = 0
  #later: NodeJS.Immediate | undefined
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#waiting.size + this.#reading
  }

  add(handles: Iterable<number>): void {
    for (const handle of handles) {
      const credential = this.#parts.credentialOf(handle)
      if (credential !== undefined) this.#waiting.push(credential, handle)
    }
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
      const handle = this.#waiting.shift()
      if (handle === undefined) return
      if (!this.#parts.pass(handle)) void this.#read(handle)
    }
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
