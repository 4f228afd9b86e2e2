/**
 * A few words about each of many things, in a file that outlives the process: a line for each, and the last one of a thing
 * counts. Nobody has to wait for the disk, which may hang; a process that is killed has written all that it waited for, and
 * after a loss of power the file is as the system last wrote it back, by itself within half a minute. It is synced, with its
 * name, when it takes the place of all that was noted before: at the start, at the end, and when it has grown.
 */
import { existsSync, renameSync } from 'node:fs'
import { boundedText } from './bounded-file.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { type Disk, type DiskFile, nodeDisk } from './spool/disk.ts'
import { wordsOf } from './spool/disk-error.ts'
import { replaceFile } from './spool/replace-file.ts'

/** How a line is read and written; neither part has a line feed. */
export type LineForm<T> = {
  readonly print: (name: string, value: T) => string
  /** Undefined: it was cut short, or is none of ours. */
  readonly parse: (line: string) => readonly [name: string, value: T] | undefined
  /** Which of all these still matter; absent: all. The others are forgotten when the file is made anew. */
  readonly current?: (values: Iterable<T>) => (value: T) => boolean
}

/** A file is made anew when it has twice the octets that it was made with, and no small one is. */
const leastGrown = 4_194_304
/** One that could not be written is tried with each note, and with more lines than these, which take their time, once a second. */
const fewLines = 1000
const tryAgainMs = 1000

export class LineFile<T> {
  readonly #path: string
  readonly #form: LineForm<T>
  readonly #failed: (why: string) => void
  readonly #disk: Disk
  readonly #known: Map<string, T>
  /** Of these the file does not say the last word yet. */
  readonly #noted = new Set<string>()
  readonly #writes = new OneAtATime(() => this.#write())
  #isWritten = false
  #file: DiskFile | undefined
  #bytes = 0
  #bytesWhenMade = 0
  #isToBeMade = true
  #broken = false
  #triedAt = Number.NEGATIVE_INFINITY

  /** `failed` is told once of each trouble; all goes on, and a restart would forget what could not be written. */
  constructor(path: string, form: LineForm<T>, failed: (why: string) => void, disk: Disk = nodeDisk) {
    this.#path = path
    this.#form = form
    this.#failed = failed
    this.#disk = disk
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

  /** When all that was noted until now is in the file, or can not be; undefined: it is. */
  get written(): Promise<void> | undefined {
    return this.#isWritten ? undefined : this.#writes.done
  }

  /** Of the others nothing is known any more. */
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

  /** Behind a line that the end of the disk cut short nothing is written any more: the file is made anew. */
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
      await act()
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
  // Whatever is behind the last line feed was cut short, also where it looks whole: a number of fewer digits is one.
  const damaged = lines.length - read.length + (last === '' ? 0 : 1)
  if (damaged > 0) failed(`${path}: ${damaged} lines can not be read; what they say is not counted`)
  return new Map(read)
}

/** Several times what 10,000 credentials have. */
const mostBytes = 33_554_432

function textOf(path: string, failed: (why: string) => void): string {
  try {
    return boundedText(path, mostBytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    failed(`${path}: ${(error as Error).message}`)
    setAside(path)
    return ''
  }
}

/** What could not be read is not written over, nor is what was set aside before. */
function setAside(path: string): void {
  try {
    let free = `${path}.unreadable`
    for (let n = 1; existsSync(free); n += 1) free = `${path}.unreadable.${n}`
    renameSync(path, free)
  } catch {
    // Nor can it be moved: then it can not be written over, which is told.
  }
}
