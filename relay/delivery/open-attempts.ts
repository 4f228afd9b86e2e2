/**
 * Which messages are on their way, in a file that outlives the process: after a crash it tells which may arrive twice.
 *
 * Nobody waits for the file, and it is never synced: a killed process leaves it at most a turn of the event loop behind,
 * a power loss leaves any older state. So it counts and decides nothing, and whether a message is ours is the spool's word.
 */
import { closeSync, constants, openSync, readFileSync, write } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'

const writeAt = promisify(write)
/** A line for each attempt, and none of them over the edge of a page, so that a write is not cut within one. */
const lineBytes = 32

export class OpenAttempts {
  readonly #file: number
  readonly #lines: string[]
  readonly #free: number[]
  #changed = false
  #closing = false
  #writing: Promise<void> | undefined

  /** @throws Error when the file can not be opened. */
  constructor(path: string) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    this.#lines = readFileSync(this.#file, 'latin1')
      .split('\n')
      .map((line) => line.trim())
    this.#free = [...this.#lines.keys()]
  }

  /** Queue ids of the attempts that were open when the process before this one ended; asked for before the first begins. */
  takeLeft(): readonly string[] {
    const left = this.#lines.filter((queueId) => queueId !== '')
    this.#lines.fill('')
    this.#writeSoon()
    return left
  }

  /** Returns what `end` wants to know. */
  begin(queueId: string): number {
    const line = this.#free.pop() ?? this.#lines.length
    this.#lines[line] = queueId
    this.#writeSoon()
    return line
  }

  /** The spool knows how the attempt ended. */
  end(line: number): void {
    this.#lines[line] = ''
    this.#free.push(line)
    this.#writeSoon()
  }

  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    await this.#writing
    closeSync(this.#file)
  }

  #writeSoon(): void {
    if (this.#closing) return
    this.#changed = true
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** What changes in one turn of the event loop, or while a write is under way, is one write. */
  async #write(): Promise<void> {
    while (this.#changed) {
      await turn()
      this.#changed = false
      const text = this.#lines.map((queueId) => `${queueId.padEnd(lineBytes - 1)}\n`).join('')
      // A disk that fails is told by the spool, and costs no more than the count.
      await writeAt(this.#file, Buffer.from(text), 0, undefined, 0).catch(() => undefined)
    }
  }
}
