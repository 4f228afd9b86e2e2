/** What came of one stage: a reply as it stood on the wire, or the cause why there was none. */
import { type Reply, reply } from '../mail/reply.ts'

/** A well-formed reply (RFC 5321 section 4.2): its code, and the text of each of its lines. */
export type WireReply = { readonly code: number; readonly lines: readonly string[] }

export type Cause =
  | 'unresolved'
  | 'unreachable'
  /** Reached, and it takes mail from nobody now, or not from us. */
  | 'refused'
  | 'lost'
  | 'silent'
  /** Each reply was in time, and all of them together were not. */
  | 'endless'
  /** What came was no SMTP reply, or came when none was due. */
  | 'malformed'
  /** No TLS, or none that may be trusted. */
  | 'insecure'
  | 'unauthenticated'
  /** The fault is ours: a file that the way out needs is not there, or of no use. Nobody was asked. */
  | 'unprepared'
  /** The fault is ours: too many files are open here for one more connection. Nobody was asked. */
  | 'exhausted'
  /** We gave it up while it was opened: another configuration has another way. Nothing was said of any message. */
  | 'withdrawn'
  /** The fault is ours: the content could not be read from the spool, or is damaged. */
  | 'unreadable'

export type Answer =
  | { readonly kind: 'reply'; readonly reply: WireReply }
  | { readonly kind: 'none'; readonly cause: Cause; readonly why: string }

/** The same with its foreign text put through `clean`. */
export const cleaned = (answer: Answer, clean: (text: string) => string): Answer =>
  answer.kind === 'none'
    ? { ...answer, why: clean(answer.why) }
    : { kind: 'reply', reply: { code: answer.reply.code, lines: answer.reply.lines.map(clean) } }

export const isWithdrawn = (answer: Answer): boolean => answer.kind === 'none' && answer.cause === 'withdrawn'

/** It refuses, and says that it may not do so later; or there is no room for it here. */
export const isForNow = (answer: Answer): boolean =>
  answer.kind === 'none' ? answer.cause === 'exhausted' : answer.reply.code >= 400 && answer.reply.code < 500

export const none = (cause: Cause, why: string): Answer => ({ kind: 'none', cause, why })

/** Stands for the answers that a stage did not get because the conversation had ended before it. */
export const noAnswer: Answer = none('lost', 'no answer')

/** The transient enhanced status of a cause, without its class (RFC 3463). */
const subjects: Readonly<Record<Cause, string>> = {
  unresolved: '4.3',
  unreachable: '4.1',
  refused: '3.2',
  lost: '4.2',
  silent: '4.2',
  endless: '4.2',
  malformed: '5.0',
  insecure: '7.5',
  unauthenticated: '7.8',
  unprepared: '7.5',
  exhausted: '4.5',
  withdrawn: '4.2',
  unreadable: '3.0',
}

/** The deferral that stands for a reply that never came. */
export const replyFor = (cause: Cause, why: string): Reply => reply(451, subjects[cause], printable(why))

/** Cisco's ESA has a # before it. */
const enhancedStatus = /^#?[245]\.(\d{1,3})\.(\d{1,3})(?: +|$)/
/** As qmail has it: `sorry, no mailbox here by that name (#5.1.1)`. */
const statusInText = /\(#[245]\.(\d{1,3})\.(\d{1,3})(?: - \w+)?\)/
const maxText = 500

/**
 * A wire reply as one value: the class comes from the code, subject and detail from its enhanced status (RFC 2034), which
 * stands in each line, in some, or in the text.
 */
export function replyOf(wire: WireReply): Reply {
  const { code, lines } = wire
  let subject: string | undefined
  let text: string | undefined
  for (const line of lines) {
    const found = enhancedStatus.exec(line)
    if (found !== null) subject ??= subjectIn(found)
    const rest = found === null ? line : line.slice(found[0].length)
    text = text === undefined ? rest : `${text} ${rest}`
  }
  const told = printable(text ?? '')
  if (code >= 400) subject ??= subjectIn(statusInText.exec(told))
  return {
    ...reply(code, subject ?? '0.0', told),
    // Nobody quotes a yes, and every message has one.
    ...(code >= 400 && { said: quotation(wire) }),
  }
}

/** As numbers: no leading zero may stand in a report (RFC 3464 section 2.3.4). */
const subjectIn = (found: RegExpExecArray | null): string | undefined =>
  found === null ? undefined : `${Number(found[1])}.${Number(found[2])}`

/** As much of a text as is told of it, and some more to see where an address in that ends. */
const keptText = 2000

/**
 * The same without text that nobody is told of: each of 50 recipients may have a reply of 256 KB, and they are kept until the
 * transaction ends. The status stays, in whichever line it is.
 */
export function brief(answer: Answer): Answer {
  if (answer.kind === 'none' || answer.reply.lines.length < 3) return answer
  const { code, lines } = answer.reply
  // One more, so that the quotation of those before it is the same.
  const kept = firstLines(lines, keptText).length + 1
  if (kept >= lines.length) return answer
  const status = lines.slice(kept).find((line) => enhancedStatus.test(line))
  return { kind: 'reply', reply: { code, lines: [...lines.slice(0, kept), ...(status === undefined ? [] : [status])] } }
}

/** Those that have so many characters together, and that in which there are more. */
export function firstLines(lines: readonly string[], characters: number): readonly string[] {
  let kept = 0
  for (let length = 0; kept < lines.length && length <= characters; kept++) length += lines[kept]?.length ?? 0
  return lines.slice(0, kept)
}

/** A part of a text keeps all of it in memory, with all that came in the same read. */
export const inOwnMemory = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

/** A reply as it was said, each line with its code, and a space before every line but the first (RFC 3461 section 9.2). */
export const quotation = ({ code, lines }: WireReply): string =>
  printable(lines.map((line, i) => `${code}${i < lines.length - 1 ? '-' : ' '}${line}`).join(' ')).trimEnd()

/**
 * Foreign text made safe for logs, DSNs and terminals: printable ASCII, at most so long, and in memory of its own, since thousands
 * of exchangers have their last failure kept.
 */
export function printable(text: string, most = maxText): string {
  const some = cut(text, most)
  return inOwnMemory(isPrintable.test(some) ? some : some.replace(/[^\x20-\x7e]/g, '?'))
}

const isPrintable = /^[\x20-\x7e]*$/

/** Cuts before an address and not within: what is left of one is not known for an address, and would stand in the log in clear. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const begin = text.slice(0, most).search(/[^\s<>]*$/)
  const [word = ''] = /^[^\s<>]*/.exec(text.slice(begin)) ?? []
  return text.slice(0, /@|%40/.test(word) ? begin : most)
}
