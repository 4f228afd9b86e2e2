/** What the answers of a smarthost mean for one recipient, and how far a failure reaches. Pure. */
import type { Outcome } from '../mail/outcome.ts'
import type { Reply } from '../mail/reply.ts'
import { type Answer, type Cause, noAnswer, printable, quotation, replyFor, replyOf } from './answer.ts'
import { isPositive, type Transaction } from './client.ts'
import type { Stage } from './stage.ts'

type Scope = Extract<Outcome, { kind: 'deferred' }>['scope']
type MailStage = Extract<Stage, 'MAIL' | 'RCPT' | 'DATA' | 'content' | 'dot'>

const deferred = (scope: Scope, reply: Reply): Outcome => ({ kind: 'deferred', scope, reply })

/** Whom a 4yz reply of a stage concerns. */
const scopes: Readonly<Record<MailStage, Scope>> = {
  MAIL: 'message',
  RCPT: 'recipient',
  DATA: 'message',
  content: 'message',
  dot: 'message',
}

const scopeOf = (stage: MailStage, reply: Reply): Scope => (hasNoRoom(stage, reply) ? 'nextHop' : scopes[stage])

/** Before MAIL nothing is said about any message: even a 5yz reply is only the smarthost's own trouble. */
export function classifyOpening(stage: Stage, answer: Answer, withoutTls?: string): Outcome {
  const told = (text: string): string => (withoutTls === undefined ? text : printable(withTls(text, withoutTls)))
  const why = told(faultAt(stage, answer))
  if (answer.kind === 'none')
    return deferred(answer.cause === 'exhausted' ? 'relay' : 'nextHop', replyFor(answer.cause, why))
  const { code } = answer.reply
  const reply = replyOf(answer.reply)
  if (code >= 400 && code < 500) return deferred('nextHop', { ...reply, text: told(reply.text) })
  return deferred('nextHop', replyFor(openingCauses[stage] ?? 'malformed', why))
}

export function faultAt(stage: Stage, answer: Answer): string {
  if (answer.kind === 'reply') return `${stage} was answered ${quotation(answer.reply)}`
  return answer.cause === 'unprepared' ? answer.why : `${stage}: ${answer.why}`
}

/**
 * Where TLS failed and the mail goes in clear, a smarthost may say that it wants TLS or a login: then what failed is told, too. Said
 * by 5yz, that does not refuse the mail: the next handshake may work, or that of another next hop.
 */
export function explained(outcome: Outcome, withoutTls: string): Outcome {
  const { kind, reply } = outcome
  if ((kind !== 'deferred' && kind !== 'bounced') || !(reply.status === '4.7.8' || asksForTls(reply))) return outcome
  const scope = kind === 'deferred' ? outcome.scope : 'nextHop'
  const wish = reply.said === undefined ? reply.text : `answered ${reply.said}`
  return deferred(scope, replyFor('unauthenticated', withTls(wish, withoutTls)))
}

const withTls = (text: string, withoutTls: string): string => `${text}; TLS was tried, and failed: ${withoutTls}`

/**
 * `550 5.7.10 Encryption needed`; Exchange: `451 5.7.3 STARTTLS is required to send mail`; Sendmail: `503 5.7.0 encryption too weak`.
 * With a status of another subject than security (RFC 3463 section 3.8), the word may stand in an address.
 */
const asksForTls = ({ status, text }: Reply): boolean =>
  /^[45]\.(7\.\d+|0\.0)$/.test(status) && /\b(START)?TLS\b|\bencryption\b/i.test(text)

const openingCauses: Partial<Record<Stage, 'insecure' | 'unauthenticated' | 'refused'>> = {
  banner: 'refused',
  EHLO: 'refused',
  STARTTLS: 'insecure',
  AUTH: 'unauthenticated',
}

/** One outcome for each of the transaction's forward-paths, in their order. */
export function classifyTransaction(transaction: Transaction, forwardPaths: number): readonly Outcome[] {
  const { mail, rcpt } = transaction
  // After a 421 the session has gone on to its end: that was said of the recipient, as by a greylist.
  const others = { taken: rcpt.some(isPositive), decided: transaction.dot?.kind === 'reply' }
  const rest = isPositive(mail) ? forFewer(classifyRest(transaction), rcpt) : classifyMail(transaction)
  const goesOn = isTooLongFor(transaction, forwardPaths) ? isEndless : spoiltBy(transaction)
  const outcomes: Outcome[] = []
  for (let i = 0; i < forwardPaths; i++) {
    const answer = rcpt[i]
    const isTaken = answer !== undefined && isPositive(answer)
    const isRest = !isPositive(mail) || answer === undefined || isTaken
    const outcome = isRest ? rest : classifyStage('RCPT', answer, others)
    const decisive = isRest && isPositive(mail) ? (transaction.data ?? noAnswer) : (answer ?? mail)
    outcomes.push(goesOn(decisive, isTaken) ? deferred('transaction', outcome.reply) : outcome)
  }
  return outcomes
}

/** Those who were taken one by one were too many together: with fewer of them it goes on. */
const forFewer = (rest: Outcome, rcpt: readonly Answer[]): Outcome =>
  (rest.kind === 'bounced' || rest.kind === 'deferred') &&
  saysTooManyRecipients(rest.reply) &&
  rcpt.filter(isPositive).length > 1
    ? deferred('transaction', tooMany(rest.reply))
    : rest

const isNever = (): boolean => false
const isLost = (answer: Answer): boolean => answer.kind === 'none' && answer.cause === 'lost'
const isEndless = (answer: Answer | undefined): boolean => answer?.kind === 'none' && answer.cause === 'endless'

/** Its time was over with so many recipients, and with fewer it may not be. */
const isTooLongFor = ({ mail, data, content }: Transaction, forwardPaths: number): boolean =>
  forwardPaths > 1 && content === undefined && (isEndless(mail) || isEndless(data))

/**
 * Tells which answers come only of what was said of other recipients. Some servers hang up over one recipient (Exim's drop,
 * Haraka's DENYSOFTDISCONNECT) or when they have refused a few (Postfix's smtpd_hard_error_limit), and Exim refuses DATA where
 * one was too many (recipients_max_reject). Without the refused ones, the others may be taken in another transaction, and each
 * time there are fewer. A server that takes nobody, and refuses nobody for good, speaks of itself, as of a rate: it is not asked
 * again for each recipient. Where it leaves at one of them without a word, only those whom it has taken go on: what becomes of
 * these tells whether it works, and those behind them have their turn when they are fewer.
 */
function spoiltBy({ mail, rcpt, data, content, dot }: Transaction): (answer: Answer, isTaken: boolean) => boolean {
  if (!isPositive(mail) || content !== undefined || dot !== undefined) return isNever
  const codes = rcpt.flatMap((answer) => (answer.kind === 'reply' ? [answer.reply] : []))
  const decides = rcpt.some(isPositive) || codes.some(({ code }) => code >= 500)
  if (!decides) return isNever
  const refused = codes.filter(({ code }) => code >= 400 && code !== 421)
  const hungUp = codes.some(({ code }) => code === 421)
  const wereTooMany = refused.some((said) => isTooManyRecipients(replyOf(said)))
  const leftAtOne = rcpt.some(isLost)
  return (answer, isTaken) => {
    if (answer.kind === 'none') return isLost(answer) && (refused.length > 0 || hungUp || (isTaken && leftAtOne))
    const { code } = answer.reply
    return (code === 421 && refused.length > 0) || (answer === data && code >= 500 && wereTooMany)
  }
}

function classifyMail({ mail, inDoubt }: Transaction): Outcome {
  if (!inDoubt || mail.kind !== 'none') return classifyStage('MAIL', mail)
  return deferred('nextHop', replyFor(mail.cause, `MAIL to DATA: ${mail.why}`))
}

/** What became of all recipients that were taken at RCPT. */
function classifyRest({ data, content, dot }: Transaction): Outcome {
  if (content !== undefined) return classifyStage('content', content)
  if (dot === undefined) return classifyStage('DATA', data ?? noAnswer)
  return isPositive(dot) && dot.kind === 'reply'
    ? { kind: 'delivered', reply: replyOf(dot.reply) }
    : classifyStage('dot', dot)
}

/**
 * Never called for the one reply that a stage hopes for. `others.taken`: the same stage took other recipients; `others.decided`:
 * their content was answered.
 */
function classifyStage(stage: MailStage, answer: Answer, others = { taken: false, decided: false }): Outcome {
  if (answer.kind === 'none') return classifyNone(stage, answer)
  const reply = replyOf(answer.reply)
  const { code } = reply
  if (code < 400) return classifyNone(stage, { cause: 'malformed', why: `answered ${code} out of order` })
  if (code === 421 && !others.decided) return deferred('nextHop', reply)
  if (asksToSlowDown(reply))
    return deferred(others.taken && !namesTheHop(reply) ? 'recipient' : 'message', forNow(reply))
  if (code < 500) return deferred(scopeOf(stage, reply), reply)
  if (needsLogin(reply))
    return deferred(
      others.taken ? 'recipient' : 'nextHop',
      replyFor('unauthenticated', `${stage} was answered ${quotation(answer.reply)}`),
    )
  if (isOfDialogue(reply))
    return deferred(scopes[stage], replyFor('malformed', `${stage} was answered ${quotation(answer.reply)}`))
  if (stage === 'RCPT' && isOneTooMany(reply, others.taken)) return deferred('recipient', tooMany(reply))
  return { kind: 'bounced', reply }
}

/** After the dot a lost answer may have been a yes (RFC 1047). */
function classifyNone(stage: MailStage, { cause, why }: { cause: Cause; why: string }): Outcome {
  const reply = replyFor(cause, `${stage}: ${why}`)
  if (stage === 'dot') return { kind: 'ambiguous', reply }
  return deferred(cause === 'unreadable' ? 'message' : 'nextHop', reply)
}

/**
 * The next hop lacks room on its disk, or something else, for any message or for so large a one (RFC 3463 section 3.4): another one may
 * have it. Postfix and Exchange say 4.3.1, Sendmail 4.4.5, and Exim of MAIL a bare 452, which means the same (RFC 5321 section 4.2.3).
 */
const hasNoRoom = (stage: MailStage, { code, status }: Reply): boolean =>
  stage !== 'RCPT' &&
  (status === '4.3.1' || (code === 452 && (status === '4.4.5' || (stage === 'MAIL' && status === '4.0.0'))))

/**
 * The smarthost wants a login or TLS that we did not give: not this message's fault (RFC 4954 section 6). If it takes others in
 * the same transaction, it wants that for this recipient alone. Courier says 534 for 5.3.4, a message that is too big.
 */
const needsLogin = ({ code, status }: Reply): boolean =>
  code === 530 || code === 535 || code === 538 || (code === 534 && status.startsWith('5.7.'))

/**
 * A command that every server has was not known, or came out of sequence (RFC 5321 sections 4.2.4 and 4.5.1): one of us has lost
 * its place in the dialogue, and nothing was said of the message. With a status of another subject, something was (decision
 * 0003).
 */
export const isOfDialogue = ({ code, status }: Reply): boolean =>
  ((code === 502 || code === 503) && /^5\.(5\.\d+|0\.0)$/.test(status)) || (code === 500 && status === '5.5.1')

/**
 * There were too many recipients, and the rest is for another transaction: with any code, if the status says so (RFC 3463 section
 * 3.6). A bare 552 means what 452 does (RFC 5321 section 4.5.3.1.10); with another status it is about a mailbox. Courier's codes
 * are the digits of a status.
 */
export const isTooManyRecipients = ({ code, status, text }: Reply): boolean => {
  if (status.endsWith('.5.3') || (code < 500 && inWords.test(text))) return true
  if (!status.endsWith('.0.0')) return false
  return code === 452 || code === 552 || ((code === 431 || code === 531) && /^too many recipients/i.test(text))
}

/** Some say so with any code or status. One who is refused for good in these words alone is refused: there are no fewer. */
const saysTooManyRecipients = ({ status, text }: Reply): boolean => status.endsWith('.5.3') || inWords.test(text)

/** One who is alone is not one too many: a bare 552 without words for that tells of a full mailbox (RFC 821 section 4.2.2). */
const isOneTooMany = (reply: Reply, othersTaken: boolean): boolean =>
  othersTaken
    ? isTooManyRecipients(reply) || saysTooManyRecipients(reply)
    : isTooManyRecipients(reply) && (reply.code !== 552 || saysTooManyRecipients(reply))

/** Gmail takes those of one domain at one time. Postfix says `too many recipients from` of a rate, and Cisco `received`. */
const inWords = /too many recipients(?! (from|received))|multiple destination domains/i

const tooMany = (reply: Reply): Reply => ({ ...reply, code: 452, status: '4.5.3' })

/** All mail to this next hop is to go slower. */
export const isThrottling = (outcome: Outcome): boolean =>
  isOfRelay(outcome) || (outcome.kind === 'deferred' && outcome.scope !== 'recipient' && asksToSlowDown(outcome.reply))

/** No other next hop does better, and it says nothing of this one. */
export const isOfRelay = (outcome: Outcome): boolean => outcome.kind === 'deferred' && outcome.scope === 'relay'

/**
 * Amazon SES: `454 Throttling failure: Maximum sending rate exceeded.` Postfix: `too much mail from`. Exchange Online:
 * `451 4.7.500 Server busy`. Where the status is about an address or a mailbox (RFC 3463 sections 3.2 and 3.3), so is the
 * text: its quota is that of one recipient. Without a status, the text has to name a mailbox for that.
 */
const asksToSlowDown = (reply: Reply): boolean =>
  saysOurLimit(reply) ||
  (reply.code >= 400 && reply.code < 500 && !isOfMailbox(reply) && slowDown.some((words) => words.test(reply.text)))

/**
 * It is about what we may send, whatever the code and the status. Google says 450 4.2.1 of its peak, and 550 with 5.4.5, which makes
 * sense only for now (RFC 3463 section 3.5), or with 5.7.1, of its day; Exchange Online says 550 5.7.233 or 554 5.2.0, cPanel and
 * Tencent a bare 550, and Plesk 554 5.7.0. A `mail quota` may be that of a mailbox.
 */
const saysOurLimit = ({ code, text }: Reply): boolean => code >= 400 && ourLimit.every((words) => words.test(text))

const ourLimit = [
  /\b(sending|relay|outmail) (limit|quota)\b|\b(daily|hourly) limit\b|\bmail rate\b|\bper (hour|day)\b|\ballowed outgoing messages\b|SubmissionQuota|\b(ip|connection|domain|sender) frequency\b|\bfrequently sending\b|\btoo many emails per second\b/i,
  /exceeded|reached|limited|frequently|too many/i,
]

const isOfMailbox = ({ status, text }: Reply): boolean =>
  /^4\.[12]\./.test(status) || (status === '4.0.0' && /\b(mail-?box|inbox)\b/i.test(text))

const slowDown = [
  /throttl|rate (was |is )?(limit|exceed)|send(ing|er) rate|quota exceeded/i,
  /too much mail|too many (messages|recipients (from|received this hour))|server busy|concurrent connections|sender thread limit/i,
]

/** What was refused for good by a limit that ends is refused for now. */
const forNow = (reply: Reply): Reply =>
  reply.code < 500 ? reply : { ...reply, code: 450, status: `4${reply.status.slice(1)}` }

/** The status is about the system, the network or its policy (RFC 3463 sections 3.4, 3.5 and 3.8), though others were taken. */
const namesTheHop = ({ status }: Reply): boolean => /^[45]\.[347]\./.test(status)
