/** What is known of one session: each stage of the protocol adds to it. */
import type { SessionFacts } from '../events.ts'
import type { CertificateTrouble, ClientCertificate } from '../rules/certificate.ts'
import type { Login, Proof } from '../rules/login.ts'
import type { Owner } from '../turns.ts'
import { originOf } from './origin.ts'
import type { MailParameters } from './parameters.ts'
import type { Recipients } from './recipients.ts'

export type Transaction = {
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number
  readonly reversePath: string
  readonly parameters: MailParameters
  /** The revision of the configuration by which the reverse-path was judged. */
  readonly revision: number
  readonly recipients: Recipients
  /** How many forward-paths were refused. */
  refusedPaths: number
}

/** Whom the session logged in as. Its proof is kept, so that every later stage can judge it by the configuration then in force. */
export type SessionLogin = {
  readonly username: string
  readonly proof: Proof
  readonly credential: string
  /** Whose turns the session takes from then on. */
  readonly owner: Owner
  /** The last time that this login was accepted, so that it is not judged again by the same configuration. */
  judged: Judged | undefined
}

export type Judged = {
  /** Of the configuration by which it was judged. Its number only: a silent session would keep an old configuration in memory. */
  readonly revision: number
  readonly login: Extract<Login, { kind: 'accepted' }>
}

export type Session = {
  readonly id: string
  readonly listener: string
  /** The client's exact IP address. */
  readonly client: string
  /** What the limits per client count it as: see `originOf`. */
  readonly origin: string
  /** `TLSv1.3`; empty before TLS. */
  tls: string
  /** The certificate that the client showed in the handshake, or why there is no good one; undefined: its listener did not ask. */
  certificate: ClientCertificate | CertificateTrouble | undefined
  /** Its listener requires one; it did, where the configuration does not name the listener any more. */
  certificateRequired: boolean
  /** What the client calls itself; empty before EHLO. */
  helo: string
  login: SessionLogin | undefined
  transaction: Transaction | undefined
  /** Messages accepted on this connection. */
  messages: number
  failedLogins: number
}

export const newSession = (who: Pick<Session, 'id' | 'listener' | 'client'>): Session => ({
  ...who,
  origin: originOf(who.client),
  tls: '',
  certificate: undefined,
  certificateRequired: false,
  helo: '',
  login: undefined,
  transaction: undefined,
  messages: 0,
  failedLogins: 0,
})

export const factsOf = (s: Session): SessionFacts => ({
  session: s.id,
  listener: s.listener,
  client: s.client,
  tls: s.tls,
  ...(s.login && { credential: s.login.credential }),
})
