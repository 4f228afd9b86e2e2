/**
 * A value for each of many names, in a file that outlives the process: a line for each note, and the last one of a name counts.
 * Nobody has to wait for the disk, which may hang: `note` returns at once, and `written` is there for those who want to. A
 * process that is killed loses nothing that was written. After a loss of power the file is as the system last wrote it back,
 * within half a minute. It is made anew, and synced, at the start, at the end, and when it has grown.
 */
import { existsSync, renameSync } from 'node:fs'
import { boundedText } from './bounded-file.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { againAtOnce } from './spool/again.ts'
import { type Disk, type DiskFile, nodeDisk } from './spool/disk.ts'
import { isAbsent, wordsOf } from './spool/disk-error.ts'
import { replaceFile } from './spool/replace-file.ts'

/** How a line is written and read; no name or value may hold a line feed. */
export type LineForm<T> = {
  readonly print: (name: string, value: T) => string
  /** Undefined where the line was cut short, or is none of ours. */
  readonly parse: (line: string) => readonly [name: string, value: T] | undefined
  /** Which of all values still matter: the others are forgotten when the file is made anew. Absent: all do. */
  readonly current?: (values: Iterable<T>) => (value: T) => boolean
}

/** Notices that a write takes very long. */
export type During = (write: Promise<void>) => Promise<void>

/** A file is made anew when it has twice the octets that it was made with, and at least these. */
const leastGrown = 4_194_304
/**
 * While the file can not be written, each note tries again; with more lines than these, which take their time, only one a second.
 */
const fewLines = 1000
const tryAgainMs = 1000

export class LineFile<T> {
  readonly #path: string
  readonly #form: LineForm<T>
  readonly #failed: (why: string) => void
  readonly #disk: Disk
  readonly #during: During
  readonly #known: Map<string, T>
  /** Names whose last value is not in the file yet. */
  readonly #noted = new Set<string>()
  readonly #writes = new OneAtATime(() => this.#write())
  #isWritten = false
  #file: DiskFile | undefined
  #bytes = 0
  #bytesWhenMade = 0
  #isToBeMade = true
  #broken = false
  #triedAt = Number.NEGATIVE_INFINITY

  /** `failed` is called once for each trouble. All goes on without the file; a restart would forget what could not be written. */
  constructor(
    path: string,
    form: LineForm<T>,
    failed: (why: string) => void,
    { disk = nodeDisk, during = (write) => write }: { readonly disk?: Disk; readonly during?: During | undefined } = {},
  ) {
    this.#path = path
    this.#form = form
    this.#failed = failed
    this.#disk = disk
    this.#during = during
    this.#known = new Map(read(path, form, (why) => failed(why)))
    this.#writes.ask()
  }

  get(name: string): T | undefined {
    return this.#known.get(name)
  }

  note(name: string, value: T): void {
    this.#known.set(name, value)
    if (this.#broken && !this.#mayTryAgain) return
    this.#noted.add(name)
    this.#isWritten = false
    this.#writes.ask()
  }

  /** Resolves when all that was noted until now is in the file, or can not be written; undefined: it is in the file already. */
  get written(): Promise<void> | undefined {
    return this.#isWritten ? undefined : this.#writes.done
  }

  /** Forgets all other names. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
  }

  async close(): Promise<void> {
    this.#isToBeMade = true
    this.#writes.ask()
    await this.#writes.done
    await this.#try(() => this.#close())
  }

  get #mayTryAgain(): boolean {
    return this.#known.size <= fewLines || performance.now() - this.#triedAt >= tryAgainMs
  }

  async #write(): Promise<void> {
    const lines = Buffer.from(this.#linesOf(this.#noted))
    this.#noted.clear()
    const isGrown = this.#bytes + lines.length > Math.max(leastGrown, 2 * this.#bytesWhenMade)
    await this.#try(() => (this.#isToBeMade || this.#broken || isGrown ? this.#make() : this.#append(lines)))
    this.#isWritten = this.#noted.size === 0
  }

  #linesOf(names: Iterable<string>): string {
    let text = ''
    for (const name of names) {
      const value = this.#known.get(name)
      if (value !== undefined) text += `${this.#form.print(name, value)}\n`
    }
    return text
  }

  /** Throws where the disk is full. The line that was cut short stays the last one: the next write makes the file anew. */
  async #append(lines: Buffer): Promise<void> {
    await this.#file?.write([lines], this.#bytes)
    this.#bytes += lines.length
  }

  async #make(): Promise<void> {
    this.#isToBeMade = false
    this.#forget()
    const text = this.#linesOf(this.#known.keys())
    try {
      await this.#close()
      await replaceFile(this.#disk, this.#path, text)
      this.#file = await this.#disk.openToWrite(this.#path)
    } finally {
      this.#triedAt = performance.now()
    }
    this.#bytesWhenMade = Buffer.byteLength(text)
    this.#bytes = this.#bytesWhenMade
  }

  #forget(): void {
    const isCurrent = this.#form.current?.(this.#known.values())
    if (isCurrent === undefined) return
    for (const [name, value] of this.#known) if (!isCurrent(value)) this.#known.delete(name)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await this.#during(act())
      this.#broken = false
    } catch (error) {
      if (!this.#broken) this.#failed(wordsOf(error))
      this.#broken = true
    }
  }
}

function read<T>(path: string, { parse }: LineForm<T>, failed: (why: string) => void): ReadonlyMap<string, T> {
  const texts = textOf(path, failed).split('\n')
  const last = texts.pop()
  const lines = texts.filter((line) => line !== '')
  const read = lines.map(parse).filter((r) => r !== undefined)
  // What is behind the last line feed was cut short, even if it can be parsed: a number with fewer digits is a number, too.
  const damaged = lines.length - read.length + (last === '' ? 0 : 1)
  if (damaged > 0) failed(`${path}: ${damaged} lines can not be read; what they say is not counted`)
  return new Map(read)
}

/** Several times what 10,000 credentials have. */
const mostBytes = 33_554_432

function textOf(path: string, failed: (why: string) => void): string {
  try {
    return againAtOnce(() => boundedText(path, mostBytes))
  } catch (error) {
    if (isAbsent(error)) return ''
    failed(`${path}: ${(error as Error).message}`)
    setAside(path)
    return ''
  }
}

/** Renames a file that could not be read, to a name that is free, so that neither it nor an earlier one is written over. */
function setAside(path: string): void {
  try {
    let free = `${path}.unreadable`
    for (let n = 1; existsSync(free); n += 1) free = `${path}.unreadable.${n}`
    renameSync(path, free)
  } catch {
    // Where it can not even be renamed it can not be replaced either, and that failure is told.
  }
}
