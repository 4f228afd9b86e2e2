/** What waits for a connection: first in, first out for each credential, and the credentials in turn. */

export class ReadyQueue<T> {
  /** A Map keeps the order of insertion: its first key is the credential whose turn it is. */
  readonly #queues = new Map<string, Fifo<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A credential with nothing here may join, however much of others waits, while those are fewer than `most`. */
  letsIn(credential: string, most: number): boolean {
    return this.#queues.size < most && !this.#queues.has(credential)
  }

  has(credential: string): boolean {
    return this.#queues.has(credential)
  }

  get nextCredential(): string | undefined {
    const [credential] = this.#queues.keys()
    return credential
  }

  push(credential: string, item: T): void {
    this.#size++
    const queue = this.#queues.get(credential)
    if (queue === undefined) this.#queues.set(credential, new Fifo(item))
    else queue.push(item)
  }

  shift(): T | undefined {
    for (const [credential, queue] of this.#queues) return this.#take(credential, queue)
    return undefined
  }

  /** The next item of the first credential whose turn it may be; those before it go behind. One call looks at a few of them only. */
  shiftOf(mayBe: (credential: string) => boolean): T | undefined {
    let left = Math.min(this.#queues.size, lookedAtOnce)
    for (const [credential, queue] of this.#queues) {
      if (left-- === 0) return undefined
      if (mayBe(credential)) return this.#take(credential, queue)
      this.#goesBehind(credential, queue)
    }
    return undefined
  }

  /** Takes out everything that matches, in no particular order of credentials. */
  take(matches: (item: T) => boolean): T[] {
    const taken: T[] = []
    for (const [credential, queue] of [...this.#queues]) {
      for (const item of queue.take(matches)) taken.push(item)
      if (queue.empty) this.#queues.delete(credential)
    }
    this.#size -= taken.length
    return taken
  }

  #take(credential: string, queue: Fifo<T>): T | undefined {
    const item = queue.shift()
    if (queue.empty) this.#queues.delete(credential)
    else this.#goesBehind(credential, queue)
    this.#size--
    return item
  }

  #goesBehind(credential: string, queue: Fifo<T>): void {
    if (this.#queues.size === 1) return
    this.#queues.delete(credential)
    this.#queues.set(credential, queue)
  }
}

const lookedAtOnce = 16

const chunkLength = 1024

/** In short arrays: one long one would be moved for each item that leaves, and copied as it grows. */
class Fifo<T> {
  #chunks: T[][]
  #head = 0

  constructor(first: T) {
    this.#chunks = [[first]]
  }

  get empty(): boolean {
    return this.#head === (this.#chunks[0]?.length ?? 0)
  }

  push(item: T): void {
    const last = this.#chunks.at(-1)
    if (last !== undefined && last.length < chunkLength) last.push(item)
    else this.#chunks.push([item])
  }

  shift(): T | undefined {
    const item = this.#chunks[0]?.[this.#head++]
    if (this.#head === chunkLength) this.#nextChunk()
    return item
  }

  take(matches: (item: T) => boolean): T[] {
    if (!this.#chunks.some((chunk) => chunk.some(matches))) return []
    const all = this.#chunks.flat().slice(this.#head)
    const taken = all.filter(matches)
    this.#chunks = []
    this.#head = 0
    for (const item of all) if (!matches(item)) this.push(item)
    return taken
  }

  #nextChunk(): void {
    this.#chunks.shift()
    this.#head = 0
  }
}
