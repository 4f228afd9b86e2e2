/** A disk that does not answer, as a network volume that is away: told once when a write has waited for long, and once when it is done. */

/** A sync that takes half a minute is slow, and no more (case S20). Clients wait some minutes for their reply. */
const longMs = 60_000

export class Silence {
  readonly #disk: string
  readonly #changed: (why: string | undefined) => void
  #isTold = false

  /** `disk`: as people know it. `changed`: with the reason why nothing is taken; without one when the disk has answered. */
  constructor(disk: string, changed: (why: string | undefined) => void) {
    this.#disk = disk
    this.#changed = changed
  }

  /** One write at a time. */
  async during(write: Promise<void>): Promise<void> {
    const timer = setTimeout(() => {
      this.#isTold = true
      this.#changed(`${this.#disk}: the disk has not answered a write for ${longMs / 1000} s`)
    }, longMs).unref()
    try {
      await write
    } finally {
      clearTimeout(timer)
      if (this.#isTold) this.#changed(undefined)
      this.#isTold = false
    }
  }
}
