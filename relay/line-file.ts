/**
 * A few words about each of many things, in a file that outlives the process: a line for each, and the last one of a thing
 * counts. Nobody waits for the disk: a process that is killed has written all that it noted; after a loss of power the file is
 * as the system last wrote it back, by itself within half a minute. Only at the start and at the end it is synced, when it
 * takes the place of all that was noted before.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'

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
  readonly #known: Map<string, T>
  #fd: number | undefined
  #bytes = 0
  #bytesWhenMade = 0
  #broken = false
  #triedAt = Number.NEGATIVE_INFINITY

  /** `failed` is told once of each trouble; all goes on, and a restart would forget what could not be written. */
  constructor(path: string, form: LineForm<T>, failed: (why: string) => void) {
    this.#path = path
    this.#form = form
    this.#failed = failed
    this.#known = new Map(read(path, form, (why) => failed(why)))
    this.#rewrite(fsyncSync)
  }

  get(name: string): T | undefined {
    return this.#known.get(name)
  }

  note(name: string, value: T): void {
    this.#known.set(name, value)
    if (this.#broken && !this.#mayTryAgain) return
    if (this.#broken || this.#bytes > Math.max(leastGrown, 2 * this.#bytesWhenMade)) this.#rewrite()
    else this.#try(() => this.#append(Buffer.from(`${this.#form.print(name, value)}\n`)))
  }

  /** Of the others nothing is known any more. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
  }

  close(): void {
    this.#rewrite(fsyncSync)
    this.#close()
  }

  get #mayTryAgain(): boolean {
    return this.#known.size <= fewLines || performance.now() - this.#triedAt >= tryAgainMs
  }

  /** A write that the end of the disk cuts short is no error of its own; behind the cut line nothing is written any more. */
  #append(line: Buffer): void {
    if (this.#fd === undefined) return
    const written = writeSync(this.#fd, line)
    if (written < line.length) throw new Error(`only ${written} of ${line.length} octets were written to ${this.#path}`)
    this.#bytes += written
  }

  #rewrite(sync: (fd: number) => void = ignored): void {
    this.#forget()
    this.#try(() => {
      const text = [...this.#known].map(([name, value]) => `${this.#form.print(name, value)}\n`).join('')
      this.#write(`${this.#path}.tmp`, text, sync)
      renameSync(`${this.#path}.tmp`, this.#path)
      this.#close()
      this.#fd = openSync(this.#path, 'a', 0o600)
      this.#bytesWhenMade = Buffer.byteLength(text)
      this.#bytes = this.#bytesWhenMade
    })
    this.#triedAt = performance.now()
  }

  #write(path: string, text: string, sync: (fd: number) => void): void {
    const fd = openSync(path, 'w', 0o600)
    try {
      writeFileSync(fd, text)
      sync(fd)
    } finally {
      closeSync(fd)
    }
  }

  #forget(): void {
    const isCurrent = this.#form.current?.(this.#known.values())
    if (isCurrent === undefined) return
    for (const [name, value] of this.#known) if (!isCurrent(value)) this.#known.delete(name)
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #try(act: () => void): void {
    try {
      act()
      this.#broken = false
    } catch (error) {
      if (!this.#broken) this.#failed((error as Error).message)
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

function textOf(path: string, failed: (why: string) => void): string {
  try {
    return readFileSync(path, 'utf8')
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

const ignored = (): void => {}
