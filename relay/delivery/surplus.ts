/** What shows that a host has only no room for a further connection, while others are open. Pure. */
import { type Answer, isForNow } from './answer.ts'
import type { Opened } from './open.ts'
import type { TlsMode } from './secure.ts'

/** A host that had no room for a further connection is not asked for one again before this has passed. */
export const surplusMs = 30_000

type Failed = Extract<Opened, { kind: 'failed' }>

/** What the open connections have carried, in milliseconds on the clock of `performance`. */
type Carried = { readonly carriesMail: boolean; readonly hasCarriedSince: (at: number) => boolean }

/**
 * Some close a surplus connection without a word; some, as Postfix, let it wait for one of their processes until we give up; some,
 * as Sendmail, listen no more until one of theirs has ended. It is a failure of the smarthost only while no open connection carries
 * mail; that one was given some tells nothing where the host itself may be dead.
 */
export function isUngreeted(
  { stage, answer }: Failed,
  began: number,
  tls: TlsMode,
  { carriesMail, hasCarriedSince }: Carried,
): boolean {
  if (answer.kind !== 'none') return false
  if (answer.cause === 'silent') return hasCarriedSince(began)
  if (answer.cause === 'unreachable') return hasCarriedSince(performance.now() - surplusMs)
  return answer.cause === 'lost' && stage === (tls === 'Implicit' ? 'TLS' : 'banner') && carriesMail
}

/** Some refuse one too many for good, and some, as Sendmail, only at MAIL, or behind it: `452 4.3.2 Too many open connections.` */
export const saysTooMany = (answer: Answer): boolean =>
  answer.kind === 'reply' &&
  answer.reply.code >= 400 &&
  tooMany.every((words) => answer.reply.lines.some((line) => words.test(line))) &&
  !answer.reply.lines.some((line) => ofWhatItCarries.test(line))

/** Whether the host may take it once another one has ended. A login is never tried again for what is said of it in words. */
export const isRefusedForNow = ({ stage, answer }: Failed): boolean =>
  isForNow(answer) || (stage !== 'AUTH' && saysTooMany(answer))

const tooMany = [/too many|limit/i, /\b(connection|session)s?\b/i]
/** Those are too many for one connection. */
const ofWhatItCarries = /\b(recipients?|errors?)\b/i

export const isSilent = (opened: Opened): boolean =>
  opened.kind === 'failed' && opened.answer.kind === 'none' && opened.answer.cause === 'silent'
