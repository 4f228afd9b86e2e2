/** A number for each handle, in blocks: to grow copies nothing, and no more than one block is unused. */

const blockBits = 14
const blockLength = 1 << blockBits

type Block = Uint8Array | Uint32Array | Float64Array

const makers = {
  octets: (): Block => new Uint8Array(blockLength),
  words: (): Block => new Uint32Array(blockLength),
  floats: (): Block => new Float64Array(blockLength),
}

export class Column {
  readonly #make: () => Block
  readonly #blocks: Block[] = []

  /** `words` are of 32 bits. */
  constructor(kind: keyof typeof makers) {
    this.#make = makers[kind]
  }

  /** 0 where nothing was ever set. */
  get(index: number): number {
    return this.#blocks[index >>> blockBits]?.[index & (blockLength - 1)] ?? 0
  }

  set(index: number, value: number): void {
    const number = index >>> blockBits
    while (this.#blocks.length <= number) this.#blocks.push(this.#make())
    const block = this.#blocks[number]
    if (block !== undefined) block[index & (blockLength - 1)] = value
  }

  /** The indices below `top` where the value is set, in their order. */
  indicesOf(value: number, top: number): number[] {
    const found: number[] = []
    for (const [number, block] of this.#blocks.entries()) {
      const first = number * blockLength
      for (let i = block.indexOf(value); i !== -1 && first + i < top; i = block.indexOf(value, i + 1))
        found.push(first + i)
    }
    return found
  }
}
