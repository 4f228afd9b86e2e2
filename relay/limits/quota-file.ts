/**
 * How much of the day's recipients each credential has used, in a file that outlives the process.
 *
 * What may be handed out is written before it is: a process that is killed has at most wasted the rest of its last piece,
 * and never hands out anything twice. Nobody waits for the disk and nothing is synced: after a loss of power the file is
 * as the system last wrote it back, by itself within half a minute, and what was handed out since is forgotten.
 */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'

export type Used = { readonly day: number; readonly recipients: number }

/** A file of one line each is made anew when it has grown so much. */
const mostBytes = 4_194_304

export class QuotaFile {
  readonly #path: string
  readonly #failed: (why: string) => void
  readonly #used: Map<string, Used>
  #fd: number | undefined
  #bytes = 0
  #broken = false

  /** `failed` is told once of each trouble; counting goes on, and a restart would forget what could not be written. */
  constructor(path: string, failed: (why: string) => void) {
    this.#path = path
    this.#failed = failed
    this.#used = new Map(read(path, (why) => failed(why)))
    this.#rewrite()
  }

  used(credential: string): Used | undefined {
    return this.#used.get(credential)
  }

  note(credential: string, used: Used): void {
    this.#used.set(credential, used)
    if (this.#bytes > mostBytes || this.#broken) this.#rewrite()
    else this.#try(() => this.#append(lineOf(credential, used)))
  }

  forget(credential: string): void {
    this.#used.delete(credential)
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
      const text = [...this.#used].map(([credential, used]) => lineOf(credential, used)).join('')
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

const lineOf = (credential: string, { day, recipients }: Used): string => `${credential} ${day} ${recipients}\n`

const line = /^(\S+\/\S+) (\d{1,7}) (\d{1,15})$/

/** The last line of a credential counts; one that was cut short by a loss of power counts nothing, and is told. */
function read(path: string, failed: (why: string) => void): ReadonlyMap<string, Used> {
  const lines = textOf(path, failed).split('\n')
  const damaged = lines.filter((l) => l !== '' && !line.test(l)).length
  if (damaged > 0) failed(`${path}: ${damaged} lines can not be read; what they say is not counted`)
  const found = new Map<string, Used>()
  for (const text of lines) {
    const [, credential, day, recipients] = line.exec(text) ?? []
    if (credential !== undefined) found.set(credential, { day: Number(day), recipients: Number(recipients) })
  }
  return found
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
