/** Lets work wait while there is no room: in a line for each namespace, and the lines take turns. */
import { ordinarySpace, Room, type Space } from './room.ts'

type Leave = () => void

export class Permits {
  readonly #room: Room
  readonly #lines = new Map<string, ((leave: Leave) => void)[]>()

  constructor(space: Space = ordinarySpace) {
    this.#room = new Room(() => this.#next(), space)
  }

  async during<T>(whose: string, work: () => Promise<T>): Promise<T> {
    const leave = (this.#lines.has(whose) ? undefined : this.#room.enter(whose)) ?? (await this.#turn(whose))
    try {
      return await work()
    } finally {
      leave()
    }
  }

  #turn(whose: string): Promise<Leave> {
    const turn = Promise.withResolvers<Leave>()
    const line = this.#lines.get(whose) ?? []
    this.#lines.set(whose, line)
    line.push(turn.resolve)
    return turn.promise
  }

  #next(): void {
    for (const [whose, line] of this.#lines) {
      if (this.#room.isFull) return
      const leave = this.#room.enter(whose)
      if (leave === undefined) continue
      // A line that had its turn goes behind the others.
      this.#lines.delete(whose)
      const first = line.shift()
      if (line.length > 0) this.#lines.set(whose, line)
      first?.(leave)
    }
  }
}
