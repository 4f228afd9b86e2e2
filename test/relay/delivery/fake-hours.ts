/** Hours under fake timers: time goes on when all that can happen at this moment has happened. */
import { vi } from 'vitest'

const nextTurn = setImmediate
/** In milliseconds since the epoch. */
export const storyBegins = 1_800_000_000_000
const toFake = ['setTimeout', 'clearTimeout', 'Date', 'performance'] as const

export class FakeHours {
  readonly #deeds: () => number
  readonly #isBusy: () => boolean

  /** `deeds` counts what happens; `isBusy`: something is under way that takes many turns without a deed. */
  constructor(deeds: () => number, isBusy = () => false) {
    this.#deeds = deeds
    this.#isBusy = isBusy
  }

  static begin(): void {
    vi.useFakeTimers({ toFake: [...toFake], now: storyBegins })
  }

  async wait(ms: number, isEnough = (): boolean => false): Promise<void> {
    let isOver = false
    const end = setTimeout(() => {
      isOver = true
    }, ms)
    for (await this.#settle(); !isOver && !isEnough(); await this.#settle()) vi.advanceTimersToNextTimer()
    clearTimeout(end)
  }

  /** So many times that somebody waits for pass, and of what happens at the last of them only what so many turns do. */
  async halt(times: number, turns: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      await this.#settle()
      vi.advanceTimersToNextTimer()
    }
    for (let n = 0; n < turns; n++) await new Promise((resolve) => nextTurn(resolve))
  }

  /** Resolves when all that can happen at this time has happened. */
  async #settle(): Promise<void> {
    const most = (): number => (this.#isBusy() ? 1000 : 12)
    for (let turns = 0, seen = this.#deeds(); turns < most(); turns = this.#deeds() === seen ? turns + 1 : 0) {
      seen = this.#deeds()
      await new Promise((resolve) => nextTurn(resolve))
    }
  }
}
