/** Lets so many do something at one time: the credentials in turn, and the last tenth is for whoever has no place. */
import { ReadyQueue } from './ready-queue.ts'

/** How long each takes is for strangers to say, as with a route's connections. */
const openShare = 0.9

export class FairPlaces {
  readonly #most: number
  #taken = 0
  readonly #takenBy = new Map<string, number>()
  readonly #waiting = new ReadyQueue<() => void>()

  constructor(most: number) {
    this.#most = most
  }

  async run<T>(credential: string, deed: () => Promise<T>): Promise<T> {
    await this.#place(credential)
    try {
      return await deed()
    } finally {
      this.#leave(credential)
    }
  }

  #place(credential: string): Promise<void> | undefined {
    const take = (): void => {
      this.#taken++
      this.#takenBy.set(credential, (this.#takenBy.get(credential) ?? 0) + 1)
    }
    if (this.#hasPlaceFor(credential)) return void take()
    return new Promise((resolve) => {
      // Before anybody else asks: what is taken is counted at once.
      this.#waiting.push(credential, () => {
        take()
        resolve()
      })
    })
  }

  #leave(credential: string): void {
    this.#taken--
    const left = (this.#takenBy.get(credential) ?? 0) - 1
    if (left > 0) this.#takenBy.set(credential, left)
    else this.#takenBy.delete(credential)
    const next = () => this.#waiting.shiftOf((one) => this.#hasPlaceFor(one))
    for (let goOn = next(); goOn !== undefined; goOn = next()) goOn()
  }

  #hasPlaceFor(credential: string): boolean {
    if (this.#taken >= this.#most) return false
    return this.#taken < Math.ceil(this.#most * openShare) || !this.#takenBy.has(credential)
  }
}
