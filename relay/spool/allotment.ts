/** Whom the last free octets of the volume belong to: first removals, then copies, reports, states, and mail last (decision 0053). */
import type { Room } from './room.ts'
import { removalBytes, reserveOf } from './sizes.ts'
import { fewFiles, fewOctets } from './volume-full.ts'

/** What the messages that are ours may still need. */
export type Needs = {
  readonly messages: number
  /** Octets of the records that make them ours. */
  readonly live: number
  /** Octets that are kept for one state record of each message. */
  readonly states: number
  /** Octets that are added when each is copied to another segment: the copy also holds the message's state. */
  readonly growth: number
  /** Octets of the largest segment. */
  readonly segment: number
}

/** In octets: what is free, how much of that mail may still take, and the size of the volume. */
export type Volume = { readonly free: number; readonly forMail: number; readonly total: number }

/** Kept for the records that open new segments. */
const openings = 16 * 1024
/** On a nearly full volume this share of what is live may be dead. To copy sooner would write much and give back little. */
export const deadShare = 1 / 8

/**
 * Only removals may use the last octets. All else stops sooner, so that whatever was accepted can leave, and the room that
 * it leaves can be given back: to copy a segment takes as much room as it has, and more for the states in the copies.
 */
export class Allotment {
  readonly #space: Room
  readonly #needs: () => Needs
  /** Octets that are being written, and that are not yet taken off what `#space` says is free. */
  #asked = 0

  constructor(space: Room, needs: () => Needs) {
    this.#space = space
    this.#needs = needs
  }

  get volume(): Volume {
    const { free, total } = this.#space
    return {
      free,
      forMail: fewFiles(this.#space) === undefined ? Math.max(0, this.#free() - this.#forMail()) : 0,
      total,
    }
  }

  /** Why no mail is taken now, or undefined. */
  get shortage(): string | undefined {
    return this.takesMail(0) ? undefined : this.told
  }

  /** The volume's state in the words of a shortage. */
  get told(): string {
    return fewFiles(this.#space) ?? fewOctets(this.#free(), this.#forMail())
  }

  /** Room enough to take mail again: more than where it stops, or it would start and stop with each message. */
  get ample(): boolean {
    return fewFiles(this.#space, 2) === undefined && this.#free() >= this.#forMail() + this.#reserve()
  }

  takesMail(bytes: number): boolean {
    return fewFiles(this.#space) === undefined && this.#free() >= this.#forMail() + bytes
  }

  /** For a state that only defers; one that ends a recipient is written as a removal is. */
  takesState(bytes: number): boolean {
    return this.#free() >= forReports(this.#needs()) + this.#reserve() / 2 + bytes
  }

  /** For a DSN. It may use more than mail may, since the message that it reports on cannot leave before it is queued. */
  takesReport(bytes: number): boolean {
    return this.#free() >= forReports(this.#needs()) + bytes
  }

  takesCopies(bytes: number): boolean {
    return this.#free() >= forCopies(this.#needs()) + bytes
  }

  /** Counts these octets as taken while they are written, so that many writes at once do not all pass the same check. */
  during<T>(bytes: number, writing: Promise<T>): Promise<T> {
    this.#asked += bytes
    const answered = (): void => {
      this.#asked -= bytes
    }
    void writing.then(answered, answered)
    return writing
  }

  #free(): number {
    return Math.max(0, this.#space.free - this.#asked)
  }

  #reserve(): number {
    return reserveOf(this.#space.total)
  }

  // Mail also leaves room for a state of each message, and for what may be dead before it is given back: in an outage each round
  // of attempts writes new states.
  #forMail(): number {
    const needs = this.#needs()
    return forReports(needs) + this.#reserve() + needs.states + Math.floor(needs.live * deadShare)
  }
}

const forCopies = ({ messages }: Needs): number => openings + messages * removalBytes

const forReports = (needs: Needs): number => forCopies(needs) + needs.segment + needs.growth
