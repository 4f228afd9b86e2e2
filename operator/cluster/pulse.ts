/** Whether the operator lives and may be relied on, by what it tells. Pure: times are the caller's. */
import type { Telling } from './telling.ts'

/** No turn of the loop waits for anything without an end: one that takes longer than this will never end. */
const longestTurnMs = 180_000

export class Pulse {
  #synced = false
  #turnBegan: number | undefined

  note(telling: Telling, now: number): void {
    switch (telling.about) {
      case 'synced':
        this.#synced = true
        return
      case 'turn begins':
        this.#turnBegan = now
        return
      case 'done':
        if (telling.part === 'turn') this.#turnBegan = undefined
        return
      default:
        return
    }
  }

  /** A standby is ready: it can take over at once. */
  unready(): readonly string[] {
    return this.#synced ? [] : ['not everything has been listed yet']
  }

  unhealthy(now: number): readonly string[] {
    const ms = this.#turnBegan === undefined ? 0 : now - this.#turnBegan
    return ms > longestTurnMs ? [`a turn of the loop has not ended for ${Math.round(ms / 1000)} s`] : []
  }
}
