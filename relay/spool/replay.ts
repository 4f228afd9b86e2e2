/** What the journal's records come to: the messages that are ours, and where each recipient stands. Pure. */

import type { Envelope, QueuedMessage, RecipientState } from '../mail/envelope.ts'
import { unreachable } from '../mail/outcome.ts'
import type { ContentFile, Entry, Piece } from './record.ts'
import { type Held, leave, type Place, type Segment, settle } from './segment.ts'

type Reports = NonNullable<Envelope['reports']>
type Record = Extract<Piece, { kind: 'record' }>

/** Every recipient as it stands before the first attempt. */
export const untried = (envelope: Envelope): readonly RecipientState[] =>
  envelope.forwardPaths.map((forwardPath) => ({
    forwardPath,
    state: 'pending',
    attempts: 0,
    nextAttemptAt: envelope.acceptedAt,
    ambiguous: 0,
  }))

/** The recipients after a DSN has reported some of them: each is reported once. */
export const closed = (recipients: readonly RecipientState[], reports: Reports): readonly RecipientState[] =>
  recipients.map((r) =>
    r.state === 'pending' && reports.forwardPaths.includes(r.forwardPath) ? { ...r, state: 'bounced' } : r,
  )

export class Replay {
  readonly #held = new Map<string, Held>()
  /** By the DSN's queue id. A DSN that has left again has still reported. */
  readonly #reports = new Map<string, Reports>()
  readonly #ends = new Map<string, number>()

  /** In the order of the journal. */
  apply(segment: Segment, { entry, at, end, content }: Record): void {
    const place = { segment, bytes: end - at, content }
    switch (entry.kind) {
      case 'opened':
        for (const [name, bytes] of Object.entries(entry.ends)) this.#ends.set(name, bytes)
        break
      case 'accepted':
        this.#put(place, { envelope: entry.envelope, recipients: untried(entry.envelope) }, entry.file)
        break
      case 'moved':
        this.#put(place, { envelope: entry.envelope, recipients: entry.recipients }, entry.file)
        break
      case 'state':
        this.#state(entry)
        break
      case 'removed':
        this.#drop(entry.queueId)
        break
      case 'void':
        this.#reports.delete(entry.queueId)
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

  /** In the order of acceptance; what DSNs have reported is closed. */
  messages(): readonly Held[] {
    for (const reports of this.#reports.values()) {
      const held = this.#held.get(reports.queueId)
      if (held) held.message = { ...held.message, recipients: closed(held.message.recipients, reports) }
    }
    return [...this.#held.values()].sort(byAcceptance)
  }

  #put(place: Place, message: QueuedMessage, file: ContentFile | undefined): void {
    const { queueId, reports } = message.envelope
    this.#drop(queueId)
    if (reports) this.#reports.set(queueId, reports)
    const held: Held = { message, place, file, leaving: false }
    settle(held, place)
    this.#held.set(queueId, held)
  }

  #state({ queueId, recipients }: Extract<Entry, { kind: 'state' }>): void {
    const held = this.#held.get(queueId)
    if (held) held.message = { envelope: held.message.envelope, recipients }
  }

  #drop(queueId: string): void {
    const held = this.#held.get(queueId)
    if (held) leave(held)
    this.#held.delete(queueId)
  }
}

const byAcceptance = (a: Held, b: Held): number => {
  const [x, y] = [a.message.envelope, b.message.envelope]
  return x.acceptedAt - y.acceptedAt || (x.queueId < y.queueId ? -1 : 1)
}

/** Whether delivery has anything left to do. */
export const finished = (message: QueuedMessage): boolean => message.recipients.every((r) => r.state !== 'pending')
