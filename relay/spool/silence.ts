/** A disk that does not answer, as a network volume that is away: told once when a write has waited for long, and once when it is done. */

/** A sync that takes half a minute is slow, and no more (case S20). Clients wait some minutes for their reply. */
const longMs = 60_000
/** A timer that is later than this was held up, as this process was: stopped, or without the processor. The disk may have answered. */
const lateMs = 1000

export class Silence {
  readonly #disk: string
  readonly #changed: (why: string | undefined) => void
  /** Writes that have waited for so long. */
  #hanging = 0

  /** `disk`: as people know it. `changed`: with the reason why nothing is taken; without one when the disk has answered. */
  constructor(disk: string, changed: (why: string | undefined) => void) {
    this.#disk = disk
    this.#changed = changed
  }

  /** The disk is silent as long as any of the writes under way hangs. */
  async during<T>(write: Promise<T>): Promise<T> {
    let hangs = false
    let timer: NodeJS.Timeout | undefined
    const wait = (): void => {
      const until = performance.now() + longMs
      timer = setTimeout(() => {
        if (performance.now() - until > lateMs) return wait()
        hangs = true
        this.#hanging += 1
        if (this.#hanging === 1)
          this.#changed(`${this.#disk}: the disk has not answered a write for ${longMs / 1000} s`)
      }, longMs).unref()
    }
    wait()
    try {
      return await write
    } finally {
      clearTimeout(timer)
      if (hangs) this.#hanging -= 1
      if (hangs && this.#hanging === 0) this.#changed(undefined)
    }
  }
}
