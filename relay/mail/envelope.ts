/** The envelope as the spool keeps it: everything that delivery needs to know and the content does not say. */

export type Envelope = {
  readonly queueId: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** namespace/name of the RelayCredential; of the DSN's policy for a message that the relay made. */
  readonly credential: string
  /** Empty: the null reverse-path `<>`. */
  readonly reversePath: string
  /** In the order of their RCPT TO, after a redirect. */
  readonly forwardPaths: readonly string[]
  /** The recipients that the client named, where the policy redirected them. */
  readonly redirectedFrom?: readonly string[]
  /** Decided at acceptance and never again: captured mail leaves by no later configuration. */
  readonly disposition: 'relay' | 'capture'
  /** The domain of the visible From; empty where there is none (Audit). */
  readonly fromDomain: string
  /**
   * The SenderDomain that the visible From belongs to, by what the credential might send as when the message was taken:
   * it alone may sign. Absent where the From is of no such domain (Audit), and for a message that the relay made.
   */
  readonly signingDomain?: string
  readonly client: { readonly address: string; readonly helo: string; readonly tls: string }
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
  /** Octets of the content, our own Received included. */
  readonly bytes: number
  /** A DSN says which recipients of which message it reports; recovery closes them, so it is sent once (S25). */
  readonly reports?: { readonly queueId: string; readonly forwardPaths: readonly string[] }
}

/** Where one recipient stands. */
export type RecipientState = {
  readonly forwardPath: string
  readonly state: 'pending' | 'delivered' | 'bounced'
  readonly attempts: number
  /** Milliseconds since the epoch; the next attempt is not before it. */
  readonly nextAttemptAt: number
  /** Attempts that ended after our final dot without a reply: each may have made a copy. */
  readonly ambiguous: number
}

export type QueuedMessage = { readonly envelope: Envelope; readonly recipients: readonly RecipientState[] }
