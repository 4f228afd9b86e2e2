/** What the journal's records come to: the messages that are ours, and which of them are reported on. Pure. */
import type { Envelope, RecipientState } from '../mail/envelope.ts'
import { Absent } from './absent.ts'
import type { Piece } from './record.ts'
import { Register } from './register.ts'
import { Reports } from './reports.ts'
import type { Place, Segment } from './segment.ts'
import { unreachable } from './unreachable.ts'

type Record = Extract<Piece, { kind: 'record' }>
type Entry = Record['entry']

/** Every recipient as it stands before the first attempt. */
export const untried = (envelope: Envelope): readonly RecipientState[] =>
  envelope.forwardPaths.map((forwardPath) => ({
    forwardPath,
    state: 'pending',
    attempts: 0,
    nextAttemptAt: envelope.acceptedAt,
    ambiguous: 0,
  }))

export class Replay {
  readonly register = new Register()
  readonly absent = new Absent()
  /** A DSN that has left again has still reported. */
  readonly #reports = new Reports()
  readonly #ends = new Map<string, number>()
  #listed: readonly string[] = []

  /** In the order of the journal. */
  apply(segment: Segment, { entry, at, end }: Record): void {
    const place = { segment, at, bytes: end - at }
    switch (entry.kind) {
      case 'opened':
        for (const [name, bytes] of Object.entries(entry.ends)) this.#ends.set(name, bytes)
        this.#listed = [...Object.keys(entry.ends), segment.name]
        this.absent.open(entry.undone, this.register.undone)
        break
      case 'accepted':
        this.#put(place, entry, untried(entry.envelope))
        break
      case 'moved':
        this.#put(place, entry, entry.recipients)
        break
      case 'state':
        this.#state(place, entry)
        break
      case 'removed':
        if (!this.#drop(entry.queueId)) this.absent.leave(entry.queueId)
        break
      case 'void':
        this.#reports.void(entry.queueId)
        this.#drop(entry.queueId)
        break
      default:
        unreachable(entry)
    }
  }

  /** The octets that the segment is known to have had; 0 for the newest one. */
  endOf(segment: Segment): number {
    return this.#ends.get(segment.name) ?? 0
  }

  /** The segments that were there when the newest one was begun, and that one. */
  get listed(): readonly string[] {
    return this.#listed
  }

  /** Messages that are ours, and the DSNs that report on them with where these lie. */
  *reported(): Iterable<{ readonly handle: number; readonly dsn: string; readonly place: Place }> {
    for (const { original, dsn, place } of this.#reports.all()) {
      const handle = this.register.find(original)
      if (handle !== undefined) yield { handle, dsn, place }
    }
  }

  #put(place: Place, entry: Extract<Entry, { envelope: Envelope }>, recipients: readonly RecipientState[]): void {
    const { queueId, reports } = entry.envelope
    const isCopy = entry.kind === 'moved'
    if (!this.#drop(queueId) && isCopy) this.absent.leave(queueId)
    if (reports) this.#reports.note(queueId, reports.queueId, place)
    // Not a copy of it: the message that it reports on may have left since.
    if (reports && !isCopy && this.register.find(reports.queueId) === undefined) this.absent.end(reports.queueId)
    const handle = this.register.add(entry.envelope, recipients, place, entry.file)
    if (isCopy) this.register.settle(handle, place)
  }

  #state(place: Place, { queueId, recipients }: Extract<Entry, { kind: 'state' }>): void {
    const handle = this.register.find(queueId)
    if (handle === undefined) {
      if (recipients.every(({ state }) => state !== 'pending')) this.absent.end(queueId)
      else this.absent.goOn(queueId)
      return
    }
    this.register.settleState(handle, place)
    this.register.standing(handle, recipients)
  }

  /** False where no record of it was read. */
  #drop(queueId: string): boolean {
    const handle = this.register.find(queueId)
    if (handle !== undefined) this.register.remove(handle)
    return handle !== undefined
  }
}
