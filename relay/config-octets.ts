/** What a configuration was read from, by its octets: whether it would be read the same again is known before it is parsed. */
import { createHash, hash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { boundedOctets } from './bounded-file.ts'
import { readable } from './spool/disk.ts'

/** Of one file: several times what 10,000 credentials take. */
const mostBytes = 67_108_864
/** No turn of the loop takes longer than to hash so many. */
const pieceBytes = 262_144
/** Of a thousand keys each would cost ten times its reading, if it were waited for; a few are read in one turn. */
const smallBytes = 16_384
const smallInTurn = pieceBytes / smallBytes

type Read = { readonly digest: string; readonly bytes: number }

export class ConfigOctets {
  readonly #directory: string
  /** Undefined: the folder could not be read. */
  #names: string | undefined
  /** Undefined: the file could not. */
  readonly #reads = new Map<string, Read | undefined>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The names in the folder. @throws Error where it can not be read; that is remembered too. */
  list(): readonly string[] {
    this.#names = undefined
    const names = readdirSync(this.#directory)
    this.#names = asOne(names)
    return names
  }

  /** @throws Error likewise. */
  read(path: string): Buffer {
    this.#reads.set(path, undefined)
    const octets = boundedOctets(join(this.#directory, path), mostBytes)
    this.#reads.set(path, { digest: hash('sha256', octets), bytes: octets.length })
    return octets
  }

  /** Whether all that was listed and read is still the same. */
  async areSame(): Promise<boolean> {
    if ((await readdir(this.#directory).then(asOne, () => undefined)) !== this.#names) return false
    const piece = Buffer.allocUnsafeSlow(pieceBytes)
    let small = 0
    for (const [path, read] of this.#reads) {
      const file = join(this.#directory, path)
      const isLarge = read !== undefined && read.bytes > smallBytes
      if ((isLarge ? await digestInPieces(file, piece, read.bytes) : digestAtOnce(file)) !== read?.digest) return false
      if (!isLarge && ++small % smallInTurn === 0) await turn()
    }
    return true
  }
}

const asOne = (names: readonly string[]): string => names.toSorted().join('/')

function digestAtOnce(file: string): string | undefined {
  try {
    return hash('sha256', boundedOctets(file, mostBytes))
  } catch {
    return undefined
  }
}

/** Undefined also where it has more than so many octets: a device has no end. */
async function digestInPieces(file: string, piece: Buffer, bytes: number): Promise<string | undefined> {
  try {
    const handle = await open(file, readable)
    try {
      const hashing = createHash('sha256')
      for (let left = bytes; left >= 0; ) {
        const { bytesRead } = await handle.read(piece, 0, piece.length)
        if (bytesRead === 0) return hashing.digest('hex')
        hashing.update(piece.subarray(0, bytesRead))
        left -= bytesRead
      }
      return undefined
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}
