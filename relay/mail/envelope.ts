/** The envelope as the spool keeps it: everything that delivery has to know and that is not in the content. */
import type { ReportWishes } from './report-wishes.ts'

export type Envelope = {
  readonly queueId: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** namespace/name of the RelayCredential; for a DSN, which the relay itself made, of its RelayPolicy. */
  readonly credential: string
  /** Empty: the null reverse-path `<>`. */
  readonly reversePath: string
  /** In the order of their RCPT; after a redirect, the one address that the policy redirects to. */
  readonly forwardPaths: readonly string[]
  /** The recipients that the client named, where the policy redirected them. */
  readonly redirectedFrom?: readonly string[]
  /** Decided at acceptance and never again: mail that was captured does not leave by a later configuration. */
  readonly disposition: 'relay' | 'capture'
  /** The domain of the visible From; empty where there is none (Audit). */
  readonly fromDomain: string
  /**
   * The domain of the SenderDomain that the visible From belongs to, as the credential was allowed to when the message was
   * accepted: no other domain may sign it. Absent where the From belongs to none (Audit), and for a message that the relay made.
   */
  readonly signingDomain?: string
  readonly client: { readonly address: string; readonly helo: string; readonly tls: string }
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
  /** Absent: nothing is asked, or the policy redirected the message. */
  readonly wishes?: ReportWishes
  /** Octets of the content, our own Received included. */
  readonly bytes: number
  /**
   * In a DSN: which recipients of which message it reports. After a crash, recovery settles these, so that no second DSN is made
   * (S25).
   */
  readonly reports?: { readonly queueId: string; readonly forwardPaths: readonly string[] }
}

/** Where one recipient stands. */
export type RecipientState = {
  readonly forwardPath: string
  /** Whom a report closed before a crash is `bounced`, also where that told of a success: either is done, and none is tried again. */
  readonly state: 'pending' | 'delivered' | 'bounced'
  /** Turns in which a next hop was asked: what people are told. */
  readonly attempts: number
  /** Turns in which none was asked, since something is missing here, DNS has no answer, or all are left out. Absent: there was none. */
  readonly emptyTurns?: number
  /** Milliseconds since the epoch; the next attempt is not before it. */
  readonly nextAttemptAt: number
  /** How many attempts ended after our final dot without a reply: each may have delivered a copy. */
  readonly ambiguous: number
}

/** How often its turn has come: what back-off goes by. */
export const turnsOf = ({ attempts, emptyTurns = 0 }: RecipientState): number => attempts + emptyTurns

/** When the first of those who are left is to be tried; 0: one never had a turn, and waits for nothing; Infinity: none is left. */
export function soonestOf(recipients: readonly RecipientState[]): number {
  let soonest = Number.POSITIVE_INFINITY
  for (const recipient of recipients)
    if (recipient.state === 'pending')
      soonest = Math.min(soonest, turnsOf(recipient) === 0 ? 0 : recipient.nextAttemptAt)
  return soonest
}

export type QueuedMessage = { readonly envelope: Envelope; readonly recipients: readonly RecipientState[] }
