/** Writes a relay's log to disk, in two files of bounded size. */
import { appendFileSync, mkdirSync, renameSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'

const rotateAtBytes = 10 * 1024 * 1024
/** Lines are collected for a moment, because a write for each would cost more than the line itself. */
const gatherMs = 20

export class RelayLog {
  readonly #file: string
  readonly #limit: number
  #lines: string[] = []
  #hasFolder = false
  #gathering: NodeJS.Timeout | undefined

  constructor(file: string, limit = rotateAtBytes) {
    this.#file = file
    this.#limit = limit
  }

  write(line: string): void {
    this.#lines.push(line)
    this.#gathering ??= setTimeout(() => this.flush(), gatherMs)
  }

  /** Never throws: because a log can not be written, e.g. on a full disk, the fleet must not stop. */
  flush(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    if (this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    try {
      this.#makeFolder()
      this.#rotateFor(text)
      this.#append(text)
    } catch {
      // The lines are lost; the relay's own metrics and its status report a full disk.
    }
  }

  /** Not again, where somebody has deleted it since. */
  #makeFolder(): void {
    if (!this.#hasFolder) mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
    this.#hasFolder = true
  }

  #rotateFor(text: string): void {
    const before = octetsOf(this.#file)
    if (before > 0 && before + Buffer.byteLength(text) > this.#limit) renameSync(this.#file, `${this.#file}.1`)
  }

  /** All of it or nothing: to a line that was cut short the next one would be joined. */
  #append(text: string): void {
    const before = octetsOf(this.#file)
    try {
      appendFileSync(this.#file, text, { mode: 0o600 })
    } catch (error) {
      truncateSync(this.#file, before)
      throw error
    }
  }
}

const octetsOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
