/** One message and some of its recipients, at one smarthost: one transaction, and an outcome for each recipient. */
import type { Envelope } from '../mail/envelope.ts'
import type { Outcome } from '../mail/outcome.ts'
import type { Reply } from '../mail/reply.ts'
import { type RecipientWish, wantsSuccess, wishFor } from '../mail/report-wishes.ts'
import { type Answer, type Cause, isForNow, isWithdrawn, replyFor } from './answer.ts'
import { classifyOpening, classifyTransaction, explained } from './classify.ts'
import type { Client, Transaction } from './client.ts'
import { type Content, type ContentSource, loadContent } from './content.ts'
import { isClosing, isStale } from './farewell.ts'
import type { Opened } from './open.ts'
import { isOfWishes } from './refused-wishes.ts'
import { mailParameters, mailWishes, rcptWishes, refusedBeforehand, toldTo } from './requirements.ts'
import type { Signer } from './signer.ts'

/** `fresh` asks for a connection that was not used before; `outcomes` are of the transaction on it, empty where there was none. */
export type Connections = {
  acquire(fresh: boolean): Promise<Opened>
  release(client: Client, outcomes: readonly Outcome[]): void
  /** Asked before a new one is released that was refused before any content: whether that is for others, which carry mail. */
  isOneTooMany(client: Client): boolean
  /** One of those others, when it is free; a new one where none is left. */
  share(): Promise<Opened>
}

/** Which connection is to have the mail: any, one that was not used before, or one that others have used. */
type Which = 'any' | 'new' | 'shared'

/** What is next where nothing was said about this message: another connection, or the same mail without what is asked of reports. */
type Next = Which | 'bare'

export type Attempted = {
  /** One for each forward-path, in their order. */
  readonly outcomes: readonly Outcome[]
  /** False where the smarthost was not asked at all: then only an outcome of scope `nextHop` or `relay` says something about the way to it. */
  readonly asked: boolean
  /** Given up for another configuration: it tells nothing of any next hop. */
  readonly withdrawn?: boolean
  /** Milliseconds from MAIL to the last reply; absent where no transaction took place. */
  readonly tookMs?: number
}

/** @throws ContentError, SpoolError where the content cannot be read; never for what a smarthost does. */
export async function attempt(
  connections: Connections,
  source: ContentSource,
  signer: Pick<Signer, 'begin'>,
  envelope: Envelope,
  forwardPaths: readonly string[],
): Promise<Attempted> {
  const leaving = signer.begin(envelope)
  if (leaving.kind === 'held') return notAsked(leaving.reply, forwardPaths.length)
  const seal = leaving.kind === 'signed' ? leaving.seal : undefined
  try {
    let mail: Mail = { envelope, content: await loadContent(source, envelope, seal), forwardPaths, isBare: false }
    let which: Which = 'any'
    for (let mayShare = true; ; mayShare &&= which !== 'shared') {
      const attempted = await transactOn(connections, mail, which, mayShare)
      if (typeof attempted !== 'string') return attempted
      if (attempted === 'bare') mail = { ...mail, isBare: true }
      which = attempted === 'bare' ? 'any' : attempted
    }
  } finally {
    if (leaving.kind === 'signed') leaving.ended()
  }
}

/** The outcome of content that cannot be read: the fault is ours, so the message waits. */
export const unreadable = (error: unknown, recipients: number): Attempted =>
  notAsked(replyFor('unreadable', error instanceof Error ? error.message : String(error)), recipients)

const notAsked = (reply: Reply, recipients: number): Attempted => ({
  outcomes: Array.from({ length: recipients }, () => ({ kind: 'deferred', scope: 'message', reply })),
  asked: false,
})

type Mail = {
  readonly envelope: Envelope
  readonly content: Content
  readonly forwardPaths: readonly string[]
  /** The next hop offers DSN, and has refused what is asked of it: all of that is left to the relay. */
  readonly isBare: boolean
}

const ours: ReadonlySet<Cause> = new Set(['withdrawn', 'unprepared', 'exhausted'])
const isOurs = (answer: Answer): boolean => answer.kind === 'none' && ours.has(answer.cause)

/** What is next where nothing was said about this message (cases U17, U21 and U23); once at most a shared connection. */
async function transactOn(
  connections: Connections,
  mail: Mail,
  which: Which,
  mayShare: boolean,
): Promise<Attempted | Next> {
  const opened = await (which === 'shared' ? connections.share() : connections.acquire(which === 'new'))
  if (opened.kind === 'failed') {
    const { stage, answer, withoutTls } = opened
    const outcome = classifyOpening(stage, answer, withoutTls)
    return { outcomes: mail.forwardPaths.map(() => outcome), asked: !isOurs(answer), withdrawn: isWithdrawn(answer) }
  }
  const { client } = opened
  let outcomes: Attempted['outcomes'] = []
  try {
    const attempted = await transact(client, mail, which, () => mayShare && connections.isOneTooMany(client))
    if (typeof attempted !== 'string') outcomes = attempted.outcomes
    return attempted
  } finally {
    connections.release(client, outcomes)
  }
}

async function transact(
  client: Client,
  mail: Mail,
  which: Which,
  isOneTooMany: () => boolean,
): Promise<Attempted | Next> {
  // A new one may have ended while the disk was waited for (pool.ts). If the next one has, too, that is a failure.
  const used = client.transactions > 0 || client.hasIdled || !(which === 'new' || client.usable)
  const { sent, mailing, isOnlyOfWishes, outcomesWith } = prepare(client, mail)
  if (sent.length === 0) return { outcomes: outcomesWith(undefined), asked: true }
  const started = performance.now()
  const transaction = await client.transact(mailing)
  const next = used ? isStale(transaction) && 'new' : isClosing(transaction) && isOneTooMany() && 'shared'
  if (next === false) {
    // It may be this mail that is refused, or all that would come over the connection: the next is to have another one.
    const { mail: said, data = said } = transaction
    if (used && (isForNow(said) || isForNow(data))) client.quit()
    if (isOnlyOfWishes(transaction)) return 'bare'
    return { outcomes: outcomesWith(transaction), asked: true, tookMs: performance.now() - started }
  }
  client.destroy('it is of no use any more')
  return next
}

/** Some recipients may be refused before anything is sent; the others share the transaction. */
function prepare(client: Client, { envelope, content, forwardPaths, isBare }: Mail) {
  const { withoutTls } = client
  const capabilities = isBare ? { ...client.capabilities, dsn: false } : client.capabilities
  const need = { envelope, content }
  const refused = forwardPaths.map((path) => refusedBeforehand(capabilities, need, path))
  const sent = refused.some((reply) => reply !== undefined)
    ? forwardPaths.filter((_, i) => refused[i] === undefined)
    : forwardPaths
  const told = (path: string): string => toldTo(capabilities, path)
  const asked = { byMail: mailWishes(capabilities, envelope), byRcpt: rcptWishes(capabilities, envelope, sent) }
  const hasAsked = asked.byMail !== '' || asked.byRcpt !== undefined
  const classify = (transaction: Transaction) => classifyTransaction(transaction, sent.length)
  return {
    sent,
    mailing: {
      reversePath: told(envelope.reversePath),
      forwardPaths: sent.map(told),
      parameters: mailParameters(capabilities, need, sent) + asked.byMail,
      rcptParameters: asked.byRcpt,
      content,
    },
    isOnlyOfWishes: (transaction: Transaction): boolean =>
      hasAsked && classify(transaction).every((outcome, i) => isOfWishes(outcome, transaction, asked, i)),
    outcomesWith(transaction: Transaction | undefined): readonly Outcome[] {
      const said = transaction === undefined ? [] : classify(transaction)
      const classified =
        transaction !== undefined && hasAsked
          ? said.map((outcome, i) => (isOfWishes(outcome, transaction, asked, i) ? withoutWishes(outcome) : outcome))
          : said
      const isSilent = !capabilities.dsn && envelope.wishes?.recipients !== undefined
      const outcomes = isSilent
        ? classified.map((outcome, i) => untold(outcome, wishFor(envelope, sent[i] ?? '')))
        : classified
      const answered = withoutTls === undefined ? outcomes : outcomes.map((outcome) => explained(outcome, withoutTls))
      if (sent === forwardPaths) return answered
      const left = [...answered]
      return refused.flatMap((reply) => (reply === undefined ? left.splice(0, 1) : [unable(reply)]))
    },
  }
}

const untold = (outcome: Outcome, wish: RecipientWish | undefined): Outcome =>
  outcome.kind === 'delivered' && wantsSuccess(wish) ? { ...outcome, tellsNobody: true } : outcome

/** Beside others whose outcome that transaction was: the next one is for those alone who are refused for what is asked. */
const withoutWishes = ({ reply }: Outcome): Outcome => ({ kind: 'deferred', scope: 'transaction', reply })

const unable = (reply: Reply): Outcome => ({ kind: 'bounced', reply, unasked: true })
