/**
 * A relay that is to leave the fleet: it takes no new mail, delivers what it has, and says when nothing is left. It may be asked
 * to stay after all. The operator takes its pod away at the word `Drained`, and nothing reads its volume from then on: so that is
 * said only when nothing can come any more (case S29).
 */
import { join } from 'node:path'
import { boundedText } from './bounded-file.ts'
import { isAbsent, wordsOf } from './spool/disk-error.ts'

export type DrainState = 'Draining' | 'Drained'

type Parts = {
  readonly submission: {
    /** Ends sessions when their transaction is over, and sends new ones away. */
    shut(): void
    reopen(): void
    /** No session can submit anything any more. */
    readonly isShut: boolean
  }
  /** `isEmpty`: it holds no message, and none is on its way into it. */
  readonly spool: { readonly isEmpty: boolean }
  readonly events: { draining(): void; drained(): void; stays(): void; drainUnread(why: string): void }
}

/** For so long clients are still accepted: all that send them here have to learn first that these are to go to the other relays. */
const lingerMs = 5_000
const lookMs = 1000

export class Drain {
  readonly #parts: Parts
  #leaves = false
  /** Why it is not known whether it is to leave, so that it is told once. */
  #unread: string | undefined
  #lingering: NodeJS.Timeout | undefined
  #looking: NodeJS.Timeout | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Undefined: it is not to leave. */
  get state(): DrainState | undefined {
    if (!this.#leaves) return undefined
    return this.#parts.submission.isShut && this.#parts.spool.isEmpty ? 'Drained' : 'Draining'
  }

  /** What `isToLeave` has read; where that can not be read all stays as it was: the pod goes only once `Drained` is said. */
  follow(read: boolean | Error, atOnce = false): void {
    const unread = read instanceof Error ? read.message : undefined
    if (unread !== undefined && unread !== this.#unread) this.#parts.events.drainUnread(unread)
    this.#unread = unread
    if (!(read instanceof Error)) this.set(read, atOnce)
  }

  /** `leaves`: the relay is to leave, or to stay. `atOnce`: without the linger, at a start, when no clients come here yet. */
  set(leaves: boolean, atOnce = false): void {
    if (leaves === this.#leaves) return
    this.#leaves = leaves
    const { submission, events } = this.#parts
    this.close()
    if (!leaves) {
      submission.reopen()
      events.stays()
      return
    }
    events.draining()
    if (atOnce) submission.shut()
    else this.#lingering = setTimeout(() => submission.shut(), lingerMs)
    this.#looking = setInterval(() => this.#look(), lookMs)
  }

  /** Stops its timers. */
  close(): void {
    clearTimeout(this.#lingering)
    clearInterval(this.#looking)
  }

  #look(): void {
    if (this.state !== 'Drained') return
    clearInterval(this.#looking)
    this.#parts.events.drained()
  }
}

/** A file beside the configuration, not a field of it: the other relays have the same configuration, and are to stay. */
const fileName = 'drain'
/** A time stands in it. */
const mostBytes = 65_536

/** Whether this relay is to leave: the file `drain` in its configuration folder is not empty. The error where it can not be read. */
export function isToLeave(directory: string): boolean | Error {
  const path = join(directory, fileName)
  try {
    return boundedText(path, mostBytes).trim() !== ''
  } catch (error) {
    return isAbsent(error) ? false : new Error(`${path}: ${wordsOf(error)}`)
  }
}
