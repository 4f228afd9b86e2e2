/** A message that is ours, as memory knows it: never behind the spool, sometimes ahead of it. */
import type { Envelope, QueuedMessage, RecipientState } from '../mail/envelope.ts'
import type { Reported } from './report.ts'

export type Tracked = {
  readonly envelope: Envelope
  /** In the order of the envelope's forward-paths. */
  readonly recipients: RecipientState[]
  /** Given up together, and their DSN is not yet durable. */
  readonly unreported: (readonly Reported[])[]
  /** DSNs that wait until the spool knows that their recipients are closed. */
  readonly heldDsns: QueuedMessage[]
  /** The write under way, and whether memory has moved on since it began. */
  writing: Promise<void> | undefined
  changed: boolean
}

export const track = ({ envelope, recipients }: QueuedMessage): Tracked => ({
  envelope,
  recipients: [...recipients],
  unreported: [],
  heldDsns: [],
  writing: undefined,
  changed: false,
})

export const isDone = ({ state }: RecipientState): boolean => state !== 'pending'

/** Some recipients of one message, on their way together. */
export type Parcel = {
  readonly message: Tracked
  /** Positions of the recipients. */
  readonly recipients: readonly number[]
  /** Smarthosts that failed this parcel since it last waited. */
  readonly tried?: ReadonlySet<string>
}

export const forwardPathsOf = ({ message, recipients }: Parcel): readonly string[] =>
  recipients.map((i) => message.recipients[i]?.forwardPath ?? '')
