/** Whom the last free octets of the volume belong to: removals before copies, copies before reports, reports before states, states before mail. */
import type { Room } from './room.ts'
import { removalBytes, reserveOf } from './sizes.ts'
import { fewFiles, fewOctets } from './volume-full.ts'

/** What the messages that are ours may still need. */
export type Needs = {
  readonly messages: number
  /** Octets of the records that make them ours. */
  readonly live: number
  /** Octets of one state of each. */
  readonly states: number
  /** By how much they grow when each is copied: a copy holds the state, too. */
  readonly growth: number
  /** Octets of the largest segment. */
  readonly segment: number
}

/** Octets: free, such as mail may still have, and all. */
export type Volume = { readonly free: number; readonly forMail: number; readonly total: number }

/** For the records that open segments. */
const openings = 16 * 1024
/** So much of what is live may be dead on a full volume: less would be copied over and over for little. */
export const deadShare = 1 / 8

/**
 * Removals may take what is left. All else stops before that, so that whatever was accepted can leave, and what it
 * leaves behind can be given back: each copy of a segment needs the room of one, and of the states that come with it.
 */
export class Allotment {
  readonly #space: Room
  readonly #needs: () => Needs
  /** Handed to the journal, and not yet counted off. */
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

  get told(): string {
    return fewFiles(this.#space) ?? fewOctets(this.#free(), this.#forMail())
  }

  /** Taking mail again needs more than what stopping left, so that it does not start and stop with each message. */
  get ample(): boolean {
    return fewFiles(this.#space, 2) === undefined && this.#free() >= this.#forMail() + this.#reserve()
  }

  takesMail(bytes: number): boolean {
    return fewFiles(this.#space) === undefined && this.#free() >= this.#forMail() + bytes
  }

  /** A state that only defers. */
  takesState(bytes: number): boolean {
    return this.#free() >= forReports(this.#needs()) + this.#reserve() / 2 + bytes
  }

  /** A DSN: what it reports can not leave before. */
  takesReport(bytes: number): boolean {
    return this.#free() >= forReports(this.#needs()) + bytes
  }

  takesCopies(bytes: number): boolean {
    return this.#free() >= forCopies(this.#needs()) + bytes
  }

  /** These octets count while they are written. */
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

  // Beside the state that each may get, what may be dead before it is given back: the states of an outage come again and again.
  #forMail(): number {
    const needs = this.#needs()
    return forReports(needs) + this.#reserve() + needs.states + Math.floor(needs.live * deadShare)
  }
}

const forCopies = ({ messages }: Needs): number => openings + messages * removalBytes

const forReports = (needs: Needs): number => forCopies(needs) + needs.segment + needs.growth
