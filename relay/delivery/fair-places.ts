/** Lets so many do something at one time; those that wait for a place take turns by credential. */
import { Places } from './places.ts'
import { ReadyQueue } from './ready-queue.ts'

export class FairPlaces {
  readonly #places: Places
  readonly #waiting = new ReadyQueue<() => void>()

  constructor(most: number) {
    this.#places = new Places(most)
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
    if (this.#places.hasOneFor(credential)) return void this.#places.take(credential)
    return new Promise((resolve) => {
      // The place is taken here, and not when the promise is heard of: nobody may find it free in between.
      this.#waiting.push(credential, () => {
        this.#places.take(credential)
        resolve()
      })
    })
  }

  #leave(credential: string): void {
    this.#places.leave(credential)
    const next = () => this.#waiting.shiftOf((one) => this.#places.hasOneFor(one))
    for (let goOn = next(); goOn !== undefined; goOn = next()) goOn()
  }
}
