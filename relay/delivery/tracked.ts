/** A message that is ours, as memory knows it while something is under way: never behind the spool, sometimes ahead of it. */
import type { Envelope, QueuedMessage, RecipientState } from '../mail/envelope.ts'
import type { Reported } from './report.ts'

export type Tracked = {
  readonly envelope: Envelope
  /** In the order of the envelope's forward-paths. */
  readonly recipients: RecipientState[]
  /** Positions of those who are in a parcel: nobody else may take them. */
  readonly busy: Set<number>
  /** To be reported, and their DSN is not yet durable. */
  readonly unreported: Reported[]
  /** DSNs that wait until the spool knows that their recipients are closed. */
  readonly heldDsns: QueuedMessage[]
  /** The write under way, and whether memory has moved on since it began. */
  writing: Promise<void> | undefined
  changed: boolean
}

export const track = (envelope: Envelope, recipients: RecipientState[]): Tracked => ({
  envelope,
  recipients,
  busy: new Set(),
  unreported: [],
  heldDsns: [],
  writing: undefined,
  changed: false,
})

export const isDone = ({ state }: RecipientState): boolean => state !== 'pending'

/** The spool knows all that memory does. */
export const isIdle = ({ busy, writing, changed, heldDsns, unreported }: Tracked): boolean =>
  busy.size === 0 && writing === undefined && !changed && heldDsns.length === 0 && unreported.length === 0

/** Who may be tried now, and when the next of the others may. */
export function dueIn({ recipients, busy }: Tracked, now: number): { readonly due: number[]; readonly next: number } {
  const due: number[] = []
  let next = Number.POSITIVE_INFINITY
  for (let i = 0; i < recipients.length; i++) {
    const state = recipients[i] as RecipientState
    if (isDone(state) || busy.has(i)) continue
    if (state.nextAttemptAt <= now) due.push(i)
    else next = Math.min(next, state.nextAttemptAt)
  }
  return { due, next }
}

/** Some recipients of one message, on their way together. */
export type Parcel = {
  readonly message: Tracked
  /** Positions of the recipients. */
  readonly recipients: readonly number[]
  /** Smarthosts that this parcel was at since it last waited: they failed, or can not take it. */
  readonly tried?: ReadonlyMap<string, 'failed' | 'unable'>
  /** Transactions that it was in since it last waited. */
  readonly transactions?: number
  /** How many the next hop takes at one time. */
  readonly atMost?: number
}

/** Of one transaction. RFC 5321 section 4.5.3.1.8 wants 100 to be taken, but for more than 50 Amazon SES refuses the content. */
const mostRecipients = 50

export function parcelsOf({
  message,
  recipients,
  transactions = 0,
  atMost = mostRecipients,
}: Parcel): readonly Parcel[] {
  const inTurn = takingTurns(message, recipients)
  const parcels: Parcel[] = []
  for (let i = 0; i < inTurn.length; i += atMost)
    parcels.push({ message, recipients: inTurn.slice(i, i + atMost), transactions })
  return parcels
}

/** Each attempt begins with another recipient: a server that hangs up over the first one would never hear of the others. */
function takingTurns({ recipients: states }: Tracked, recipients: readonly number[]): readonly number[] {
  const from = (states[recipients[0] ?? -1]?.attempts ?? 0) % recipients.length
  return from > 0 ? [...recipients.slice(from), ...recipients.slice(0, from)] : recipients
}

export const forwardPathsOf = ({ message, recipients }: Parcel): readonly string[] =>
  recipients.map((i) => message.recipients[i]?.forwardPath ?? '')
