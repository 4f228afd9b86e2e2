/** Splits a stream of octets into lines; what has no line feed yet is kept for later. Pure. */

const lineFeed = 0x0a

export class Lines {
  readonly #limit: number
  #rest: Buffer[] = []
  #length = 0

  /** `limit` is the longest line in octets. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * The lines that are complete now, without their line feeds and without empty ones.
   * @throws RangeError when a line outgrows the limit.
   */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = []
    let from = 0
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      this.#keep(chunk.subarray(from, at))
      lines.push(Buffer.concat(this.#rest).toString('utf8'))
      this.#rest = []
      this.#length = 0
      from = at + 1
    }
    this.#keep(chunk.subarray(from))
    return lines.filter((line) => line.trim() !== '')
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#length += part.length
    if (this.#length > this.#limit) throw new RangeError(`a line of more than ${this.#limit} octets`)
    this.#rest.push(part)
  }
}
