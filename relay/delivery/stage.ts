/** The stages of a delivery, and how long each may take from our last octet to the end of its reply. */

export type Stage =
  | 'connect'
  | 'TLS'
  | 'banner'
  | 'EHLO'
  | 'STARTTLS'
  | 'AUTH'
  | 'RSET'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  /** After 354 and before our final dot. */
  | 'content'
  /** After our final dot. */
  | 'dot'
  /** Only where its answer counts; mostly nobody waits for it. */
  | 'QUIT'

/** In milliseconds. `transaction`: from its first command to its final dot, however late each reply; a content adds to it (wire.ts). */
export type Deadlines = Readonly<Record<Stage | 'transaction', number>>

const second = 1000
const minute = 60 * second

/** The minimums of RFC 5321 section 4.5.3.2 where it names one. Each is for the whole reply, not for a silence between octets. */
export const deadlines: Deadlines = {
  connect: 30 * second,
  TLS: 60 * second,
  banner: 5 * minute,
  EHLO: 5 * minute,
  STARTTLS: 2 * minute,
  AUTH: 2 * minute,
  RSET: 5 * minute,
  MAIL: 5 * minute,
  RCPT: 5 * minute,
  DATA: 2 * minute,
  content: 3 * minute,
  dot: 10 * minute,
  QUIT: 5 * minute,
  transaction: 60 * minute,
}

/** The stages that may be given up early: until MAIL is answered the message cannot have been taken. */
const untilMail = ['TLS', 'banner', 'EHLO', 'STARTTLS', 'AUTH', 'RSET', 'MAIL'] as const satisfies readonly Stage[]

/** While another next hop would take the message, each of those stages has no longer than connecting may take (decision 0054). */
export const hurriedIn = (all: Deadlines): Deadlines => ({
  ...all,
  ...Object.fromEntries(untilMail.map((stage) => [stage, Math.min(all[stage], all.connect)])),
})
