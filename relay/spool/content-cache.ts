/** The content of small messages that were accepted or read last, so that delivery right after that reads no disk. */

const cacheBytes = 8 * 1024 * 1024

export class ContentCache {
  readonly #contents = new Map<string, Buffer>()
  readonly #most: number
  #bytes = 0

  constructor(most: number = cacheBytes) {
    this.#most = most
  }

  get bytes(): number {
    return this.#bytes
  }

  get(queueId: string): Buffer | undefined {
    return this.#contents.get(queueId)
  }

  /** The contents that were put first make room. */
  put(queueId: string, content: Buffer): void {
    this.drop(queueId)
    this.#contents.set(queueId, content)
    this.#bytes += content.length
    if (this.#bytes <= this.#most) return
    for (const oldest of this.#contents.keys()) {
      if (this.#bytes <= this.#most) return
      this.drop(oldest)
    }
  }

  drop(queueId: string): void {
    const content = this.#contents.get(queueId)
    if (content === undefined) return
    this.#bytes -= content.length
    this.#contents.delete(queueId)
  }
}
