/**
 * A few words about each of many things, in a file that outlives the process: a line for each, and the last one of a thing
 * counts. Nobody waits for the disk and nothing is synced: a process that is killed has written all that it noted; after a
 * loss of power the file is as the system last wrote it back, by itself within half a minute.
 */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'

/** How a line is read and written; neither part has a line feed. */
export type LineForm<T> = {
  readonly print: (name: string, value: T) => string
  /** Undefined: it was cut short, or is none of ours. */
  readonly parse: (line: string) => readonly [name: string, value: T] | undefined
}

/** A file of one line each is made anew when it has grown so much. */
const mostBytes = 4_194_304

export class LineFile<T> {
  readonly #path: string
  readonly #form: LineForm<T>
  readonly #failed: (why: string) => void
  readonly #known: Map<string, T>
  #fd: number | undefined
  #bytes = 0
  #broken = false

  /** `failed` is told once of each trouble; all goes on, and a restart would forget what could not be written. */
  constructor(path: string, form: LineForm<T>, failed: (why: string) => void) {
    this.#path = path
    this.#form = form
    this.#failed = failed
    this.#known = new Map(read(path, form, (why) => failed(why)))
    this.#rewrite()
  }

  get(name: string): T | undefined {
    return this.#known.get(name)
  }

  note(name: string, value: T): void {
    this.#known.set(name, value)
    if (this.#bytes > mostBytes || this.#broken) this.#rewrite()
    else this.#try(() => this.#append(`${this.#form.print(name, value)}\n`))
  }

  /** Of the others nothing is known any more. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
  }

  close(): void {
    this.#rewrite()
    this.#close()
  }

  #append(line: string): void {
    if (this.#fd === undefined) return
    writeSync(this.#fd, line)
    this.#bytes += line.length
  }

  #rewrite(): void {
    this.#try(() => {
      const text = [...this.#known].map(([name, value]) => `${this.#form.print(name, value)}\n`).join('')
      writeFileSync(`${this.#path}.tmp`, text, { mode: 0o600 })
      renameSync(`${this.#path}.tmp`, this.#path)
      this.#close()
      this.#fd = openSync(this.#path, 'a', 0o600)
      this.#bytes = text.length
    })
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
  const lines = textOf(path, failed)
    .split('\n')
    .filter((line) => line !== '')
  const read = lines.map(parse).filter((r) => r !== undefined)
  const damaged = lines.length - read.length
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

/** What could not be read is not written over. */
function setAside(path: string): void {
  try {
    renameSync(path, `${path}.unreadable`)
  } catch {
    // Nor can it be moved: then it can not be written over, which is told.
  }
}
