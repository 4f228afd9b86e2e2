/** The facts of one session, as its stages left them. */
import type { SessionFacts } from '../events.ts'
import type { CertificateTrouble, ClientCertificate } from '../rules/certificate.ts'
import type { Login, Proof } from '../rules/login.ts'
import { originOf } from './origin.ts'
import type { MailParameters } from './parameters.ts'
import type { Recipients } from './recipients.ts'

export type Transaction = {
  /** Of the monotonic clock. */
  readonly startedAt: number
  readonly reversePath: string
  readonly parameters: MailParameters
  /** Of the configuration that the reverse-path was judged by. */
  readonly revision: number
  readonly recipients: Recipients
  /** How many were refused. */
  refusedPaths: number
}

/** Whom the session logged in as. What it proved is kept so that each MAIL is judged by the configuration then in force. */
export type SessionLogin = {
  readonly username: string
  readonly proof: Proof
  readonly credential: string
  /** When it was accepted last, and by what. */
  judged: Judged | undefined
}

export type Judged = {
  /** Of the configuration; itself it would be kept for as long as the session says nothing more. */
  readonly revision: number
  readonly login: Extract<Login, { kind: 'accepted' }>
}

export type Session = {
  readonly id: string
  readonly listener: string
  /** Its exact address. */
  readonly client: string
  /** What the limits per client count it as. */
  readonly origin: string
  /** `TLSv1.3`; empty before TLS. */
  tls: string
  /** What came of asking for one in the handshake; absent: its listener did not ask. */
  certificate: ClientCertificate | CertificateTrouble | undefined
  /** What the client calls itself; empty before EHLO. */
  helo: string
  login: SessionLogin | undefined
  transaction: Transaction | undefined
  /** Accepted on this connection. */
  messages: number
  failedLogins: number
}

export const newSession = (who: Pick<Session, 'id' | 'listener' | 'client'>): Session => ({
  ...who,
  origin: originOf(who.client),
  tls: '',
  certificate: undefined,
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
