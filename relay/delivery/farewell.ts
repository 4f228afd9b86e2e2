/** Whether a transaction that was refused tells only of its session or connection, so that its mail may have another one at once. Pure. */
import { type Answer, type Cause, isForNow, replyOf } from './answer.ts'
import { isOfDialogue } from './classify.ts'
import { isPositive, type Transaction } from './client.ts'
import { saysTooMany } from './surplus.ts'

/** Whether only the session has ended: nothing was said of the message, nor of anybody whom it is for. */
export const isStale = ({ mail, rcpt, data, content, dot }: Transaction): boolean =>
  isPositive(mail)
    ? (rcpt.length > 0 && rcpt.every(isFarewell)) || saysEnough(dot ?? content ?? data)
    : isFarewell(mail) || isOfIdleTime(mail)

/** Whether all that is refused is a new connection: at RCPT 421 alone may be of the recipient, as by a greylist. */
export function isClosing({ mail, rcpt, data, content, dot }: Transaction): boolean {
  if (content !== undefined || dot !== undefined) return false
  const refusal = [mail, ...rcpt, data].find((answer) => answer !== undefined && !isPositive(answer))
  return refusal?.kind === 'reply' && ((refusal === mail && refusal.reply.code === 421) || saysTooMany(refusal))
}

/**
 * Whether the first answer of a transaction only ends the session. RFC 5321 section 3.8 has 421 for that, but after its number of
 * messages OpenSMTPD says 452 4.5.3, which is about recipients, of whom there are none yet, and KumoMTA said 451 4.5.3 of the first
 * one; some refuse for good what they take in another session. To a server that has forgotten the session, MAIL is out of sequence.
 */
function isFarewell(said: Answer): boolean {
  if (said.kind === 'none') return betweenMessages.has(said.cause)
  if (said.reply.code < 400) return false
  const reply = replyOf(said.reply)
  const { code, status } = reply
  if (isOfDialogue(reply) || saysEnough(said)) return true
  return code < 500 && (code === 421 || status === '4.5.3')
}

/**
 * `Too many messages for this session`, `Transaction limit per connection exceeded`. Stalwart says of DATA that there were too many
 * messages, and at any stage `Session open for too long` and `Session exceeded transfer quota`.
 */
function saysEnough(said: Answer | undefined): boolean {
  if (said?.kind !== 'reply' || said.reply.code < 400) return false
  const { text } = replyOf(said.reply)
  return hadEnough.every((words) => words.test(text))
}

const hadEnough = [
  /too (many|long)|maxim|limit|exceed/i,
  /\b(messages?|mails|transactions?|open|transfer)\b/i,
  /\b(session|connection)\b/i,
]

/** After too long a pause Amazon SES and Google say 451 4.4.2, and Exchange 451 4.7.0. */
function isOfIdleTime(mail: Answer): boolean {
  if (mail.kind === 'none' || !isForNow(mail)) return false
  const { status, text } = replyOf(mail.reply)
  return status === '4.4.2' || /time-?out|timed out/i.test(text)
}

/** What may have happened since the message before: the connection ended, or a reply came that nobody had asked for. */
const betweenMessages: ReadonlySet<Cause> = new Set(['lost', 'malformed'])
