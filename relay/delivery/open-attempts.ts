/**
 * Which messages are on their way, in a file that outlives the process: after a crash it tells which may arrive twice.
 *
 * Nothing is sent before its line is written, so that a killed process leaves all of them. It is never synced: a power loss
 * leaves any older state. So it counts and decides nothing, and whether a message is ours is the spool's word.
 */
import { close, constants, ftruncate, open, openSync, readSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { againAtOnce } from '../spool/again.ts'
import { readable } from '../spool/disk.ts'

const [openTo, truncateTo, closeOf] = [promisify(open), promisify(ftruncate), promisify(close)]
/** A pipe in its place is not waited for. */
const orMade = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK
const [space, newline] = [0x20, 0x0a]
/** A line for each attempt, and none of them over the edge of a page, so that a write is not cut within one. */
const lineBytes = 32
/** Where the file begins, so that a disk that is full later has room for as many. */
const fewestLines = 128
/** More attempts than were ever open at one time. A damaged file may say that it has more than there is memory. */
const mostBytes = 1_048_576
/** How long a line that says nothing any more may stay; under load it goes with other changes long before. */
const laterMs = 100

export class OpenAttempts {
  readonly #path: string
  /** Undefined: it could not be opened, and nothing is counted. */
  #file: number | undefined
  readonly #left: readonly string[]
  /** What the file is to hold, with room for more lines. */
  #page = blank(fewestLines)
  #lines = fewestLines
  readonly #free = [...Array(fewestLines).keys()].toReversed()
  /** The file is longer than what it is to hold: once very many were open. */
  #isTooLong: boolean
  #changed = false
  /** The file still has lines of messages that are gone. */
  #stale = false
  #later: NodeJS.Timeout | undefined
  #closing = false
  #writing = false
  /** The write after the one that is under way, and the one under way. */
  #next = Promise.withResolvers<void>()
  #now: Promise<void> | undefined

  /** `failed` is told where the file cannot be opened or read. Mail goes on without it, since it decides nothing. */
  constructor(path: string, failed: (error: unknown) => void, openFile = openSync) {
    this.#path = path
    const text = this.#open(failed, openFile)
    const lines = text.split('\n').map((line) => line.trim())
    this.#left = lines.filter((queueId) => queueId !== '')
    this.#isTooLong = text.length > this.#page.length
  }

  #open(failed: (error: unknown) => void, openFile: typeof openSync): string {
    try {
      this.#file = openFile(this.#path, orMade, 0o600)
    } catch (error) {
      failed(error)
      // Of a volume that is read-only by now: what stands in it is told, and what takes no line is opened anew at the next.
      this.#file = unlessRefused(() => openFile(this.#path, readable))
      return this.#text(ignored)
    }
    return this.#text(failed)
  }

  #text(failed: (error: unknown) => void): string {
    try {
      const file = this.#file
      if (file === undefined) return ''
      const octets = Buffer.allocUnsafe(mostBytes)
      const length = againAtOnce(() => readSync(file, octets))
      return octets.toString('latin1', 0, length)
    } catch (error) {
      failed(error)
      return ''
    }
  }

  /** Queue ids of the attempts that were open when the process before this one ended; asked for before the first begins. */
  takeLeft(): readonly string[] {
    this.#writeSoon()
    return this.#left
  }

  /** Returns its line, for `end` or `leave`. */
  begin(queueId: string): number {
    const line = this.#free.pop() ?? this.#add()
    const begin = line * lineBytes
    const length = Math.min(queueId.length, lineBytes - 1)
    for (let i = 0; i < length; i++) this.#page[begin + i] = queueId.charCodeAt(i)
    this.#writeSoon()
    return line
  }

  /** The spool knows how the attempt ended. */
  end(line: number): void {
    this.#clear(line)
    this.#writeSoon()
  }

  /** The spool has the message no more, so that its line says nothing: it goes with the next that begins, or a moment later. */
  leave(line: number): void {
    this.#clear(line)
    if (this.#closing) return
    this.#stale = true
    this.#later ??= setTimeout(this.#tidy, laterMs).unref()
  }

  /** Resolves when all that has begun is in the file, or can not be. */
  written(): Promise<void> | undefined {
    if (!this.#writing) return undefined
    return this.#changed ? this.#next.promise : this.#now
  }

  async close(): Promise<void> {
    if (this.#closing) return
    if (this.#stale) this.#writeSoon()
    this.#closing = true
    clearTimeout(this.#later)
    await this.written()
    // On a volume of another machine this, too, may wait for the disk.
    if (this.#file !== undefined) await closeOf(this.#file).catch(ignored)
  }

  #clear(line: number): void {
    this.#page.fill(space, line * lineBytes, (line + 1) * lineBytes - 1)
    this.#free.push(line)
  }

  readonly #tidy = (): void => {
    this.#later = undefined
    if (this.#stale) this.#writeSoon()
  }

  #add(): number {
    if ((this.#lines + 1) * lineBytes > this.#page.length) this.#page = Buffer.concat([this.#page, blank(this.#lines)])
    return this.#lines++
  }

  #writeSoon(): void {
    if (this.#closing || this.#file === undefined) return
    this.#changed = true
    if (this.#writing) return
    this.#writing = true
    setImmediate(this.#write)
  }

  /** What changes in one turn of the event loop, or while a write is under way, is one write. */
  readonly #write = (): void => {
    this.#changed = false
    this.#stale = false
    const { promise, resolve } = this.#next
    this.#now = promise
    this.#next = Promise.withResolvers()
    // A copy: lines change while it is written.
    const page = Buffer.from(this.#page.subarray(0, this.#lines * lineBytes))
    const ended = (): void => {
      resolve()
      // Here and now: whoever changes something after this finds nobody writing.
      this.#writing = this.#changed
      if (this.#changed) setImmediate(this.#write)
    }
    // A disk that fails is told by the spool, and costs no more than the count.
    this.#put(page, ended, () => void this.#putAnew(page).catch(ignored).then(ended))
  }

  #put(page: Buffer, ended: () => void, failed: (error: unknown) => void): void {
    const file = this.#file as number
    write(file, page, 0, page.length, 0, (error) => {
      if (error !== null) failed(error)
      else if (this.#isTooLong) this.#cut(file, page.length).then(ended, failed)
      else ended()
    })
  }

  async #cut(file: number, bytes: number): Promise<void> {
    await truncateTo(file, bytes)
    this.#isTooLong = false
  }

  /** After a volume was away and was mounted again, a file that was opened before takes nothing more: it is opened anew. */
  async #putAnew(page: Buffer): Promise<void> {
    const before = this.#file
    this.#file = await openTo(this.#path, orMade, 0o600)
    this.#isTooLong = true
    if (before !== undefined) await closeOf(before).catch(ignored)
    await new Promise<void>((resolve, reject) => this.#put(page, resolve, reject))
  }
}

const ignored = (): void => {}

function unlessRefused<T>(deed: () => T): T | undefined {
  try {
    return deed()
  } catch {
    return undefined
  }
}

function blank(lines: number): Buffer {
  const page = Buffer.alloc(lines * lineBytes, space)
  for (let end = lineBytes - 1; end < page.length; end += lineBytes) page[end] = newline
  return page
}
