/** What waits for a connection: first in, first out for each credential, and the credentials in turn. */

export class ReadyQueue<T> {
  /** A Map keeps the order of insertion: its first key is the credential whose turn it is. */
  readonly #queues = new Map<string, Fifo<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(credential: string, item: T): void {
    this.#size++
    const queue = this.#queues.get(credential)
    if (queue === undefined) this.#queues.set(credential, new Fifo(item))
    else queue.push(item)
  }

  shift(): T | undefined {
    for (const [credential, queue] of this.#queues) {
      const item = queue.shift()
      if (queue.empty) this.#queues.delete(credential)
      else if (this.#queues.size > 1) {
        this.#queues.delete(credential)
        this.#queues.set(credential, queue)
      }
      this.#size--
      return item
    }
    return undefined
  }

  /** Takes out everything that matches, in no particular order of credentials. */
  take(matches: (item: T) => boolean): T[] {
    const taken: T[] = []
    for (const [credential, queue] of [...this.#queues]) {
      taken.push(...queue.take(matches))
      if (queue.empty) this.#queues.delete(credential)
    }
    this.#size -= taken.length
    return taken
  }
}

/** An array whose head moves on: Array.shift would move a long queue for each item. */
class Fifo<T> {
  #items: T[]
  #head = 0

  constructor(first: T) {
    this.#items = [first]
  }

  get empty(): boolean {
    return this.#head === this.#items.length
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head++]
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#compact()
    return item
  }

  take(matches: (item: T) => boolean): T[] {
    this.#compact()
    const taken = this.#items.filter(matches)
    if (taken.length > 0) this.#items = this.#items.filter((item) => !matches(item))
    return taken
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
