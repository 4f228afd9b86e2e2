/**
 * A relay that is to leave: it takes no new mail, delivers what it has, and says when there is nothing left. It may be
 * asked to stay after all. Whoever takes its volume away goes by the word `Drained`, so it is said only when nothing can
 * come any more (case S29).
 */
import { join } from 'node:path'
import { boundedText } from './bounded-file.ts'

export type DrainState = 'Draining' | 'Drained'

type Parts = {
  readonly submission: {
    /** Ends sessions when their transaction is over, and sends new ones away. */
    shut(): void
    reopen(): void
    /** No session can submit anything any more. */
    readonly isShut: boolean
  }
  /** `isEmpty`: it holds nothing, and nothing is on its way into it. */
  readonly spool: { readonly isEmpty: boolean }
  readonly events: { draining(): void; drained(): void; stays(): void }
  /** For how long clients are still taken: until nobody sends them here any more. */
  readonly lingerMs?: number
  readonly lookMs?: number
}

/** Every node has to hear that clients are to go to the others. */
const ordinaryLingerMs = 5_000
const ordinaryLookMs = 1000

export class Drain {
  readonly #parts: Parts
  #leaves = false
  #lingering: NodeJS.Timeout | undefined
  #looking: NodeJS.Timeout | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Undefined: it stays. */
  get state(): DrainState | undefined {
    if (!this.#leaves) return undefined
    return this.#parts.submission.isShut && this.#parts.spool.isEmpty ? 'Drained' : 'Draining'
  }

  /** `atOnce`: nobody has been sent here yet. */
  set(leaves: boolean, atOnce = false): void {
    if (leaves === this.#leaves) return
    this.#leaves = leaves
    const { submission, events, lingerMs = ordinaryLingerMs, lookMs = ordinaryLookMs } = this.#parts
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

  /** Stops its clocks. */
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

/** A file beside the configuration, not in it: the others of the fleet have the same configuration, and stay. */
const fileName = 'drain'
/** A time stands in it. */
const mostBytes = 65_536

/** Whether the relay of this configuration folder is to leave: the file says something. Undefined where nobody can tell. */
export function isToLeave(directory: string): boolean | undefined {
  try {
    return boundedText(join(directory, fileName), mostBytes).trim() !== ''
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? false : undefined
  }
}
