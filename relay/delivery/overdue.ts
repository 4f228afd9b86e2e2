/** Parked messages that are over their time: given up a few at a time, since reports on thousands would take a fifth of a second. */
import type { Handles } from './intake.ts'

const atOnce = 16

export class Overdue {
  #handles: number[] = []
  #underWay = 0

  get size(): number {
    return this.#handles.length + this.#underWay
  }

  /** Some have not begun yet; until they have, no more are looked for. */
  get waits(): boolean {
    return this.#handles.length > 0
  }

  add(handle: number): void {
    this.#handles.push(handle)
  }

  /** `giveUp` never throws. `ended` is called when one of the few has found nothing more to do. */
  begin(giveUp: (handle: number) => Promise<void>, ended: () => void): void {
    while (this.#underWay < atOnce && this.waits) void this.#goOn(giveUp).then(ended)
  }

  /** What has not begun, for somebody else. */
  leave(): Handles {
    const left = this.#handles
    this.#handles = []
    return {
      shift: () => left.pop(),
      get size() {
        return left.length
      },
    }
  }

  async #goOn(giveUp: (handle: number) => Promise<void>): Promise<void> {
    this.#underWay += 1
    for (let handle = this.#handles.pop(); handle !== undefined; handle = this.#handles.pop()) await giveUp(handle)
    this.#underWay -= 1
  }
}
