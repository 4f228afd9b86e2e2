/** A relay's log on disk: its lines as they come, in two files of a bounded size. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const rotateAtBytes = 10 * 1024 * 1024
/** Lines are gathered for a moment: one write for each would cost more than the line. */
const gatherMs = 20

export class RelayLog {
  readonly #file: string
  readonly #limit: number
  #size: number
  #lines: string[] = []
  #gathering: NodeJS.Timeout | undefined

  constructor(file: string, limit = rotateAtBytes) {
    this.#file = file
    this.#limit = limit
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    this.#size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  }

  write(line: string): void {
    this.#lines.push(line)
    this.#gathering ??= setTimeout(() => this.flush(), gatherMs)
  }

  /** Never throws: a full disk must not take the fleet down with its log. */
  flush(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    if (this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    try {
      if (this.#size > 0 && this.#size + text.length > this.#limit) this.#rotate()
      appendFileSync(this.#file, text, { mode: 0o600 })
      this.#size += text.length
    } catch {
      // The relay's own metrics and statuses tell about the disk.
    }
  }

  #rotate(): void {
    renameSync(this.#file, `${this.#file}.1`)
    this.#size = 0
  }
}
