/** The octets that a configuration was read from, as digests: tells without parsing whether it would be read the same again. */
import { createHash, hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { boundedOctets } from './bounded-file.ts'
import { readable } from './spool/disk.ts'

/** The most that one file may have: several times what 10,000 credentials take. */
const mostBytes = 67_108_864
/** So many octets at most are hashed in one turn of the event loop. */
const pieceBytes = 262_144
/** Files up to this size are read several in one turn: to wait for a turn before each of a thousand keys would take too long. */
const smallBytes = 16_384
const smallInTurn = pieceBytes / smallBytes

type Read = { readonly digest: string; readonly bytes: number }

export class ConfigOctets {
  readonly #directory: string
  /** The names in the folder, as one string; undefined: it could not be read. */
  #names: string | undefined
  /** What was read, by path; undefined: the file could not be read. */
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

  /** The file's octets. @throws Error where it can not be read; that is remembered too. */
  read(path: string): Buffer {
    this.#reads.set(path, undefined)
    const octets = boundedOctets(join(this.#directory, path), mostBytes)
    this.#reads.set(path, { digest: hash('sha256', octets), bytes: octets.length })
    return octets
  }

  /**
   * Whether all that was listed and read is still the same. Nothing is asked of Node's few threads for the disk: where the spool's
   * hangs, all of them may wait for it, and what a new configuration takes away is not to wait along.
   */
  async areSame(): Promise<boolean> {
    if (namesIn(this.#directory) !== this.#names) return false
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

function namesIn(directory: string): string | undefined {
  try {
    return asOne(readdirSync(directory))
  } catch {
    return undefined
  }
}

function digestAtOnce(file: string): string | undefined {
  try {
    return hash('sha256', boundedOctets(file, mostBytes))
  } catch {
    return undefined
  }
}

/** Undefined also where it has not `bytes` octets any more: then nothing of it is read, as of a device, which has no end. */
async function digestInPieces(path: string, piece: Buffer, bytes: number): Promise<string | undefined> {
  try {
    const file = openSync(path, readable)
    try {
      if (fstatSync(file).size !== bytes) return undefined
      const hashing = createHash('sha256')
      for (let got = readSync(file, piece); got > 0; got = readSync(file, piece)) {
        hashing.update(piece.subarray(0, got))
        await turn()
      }
      return hashing.digest('hex')
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}
