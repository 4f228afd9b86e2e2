/** What a submission server changes in a header that it takes (RFC 6409 section 8); every other octet stays (decision 0012). Pure. */
import { dateTime } from '../mail/date-time.ts'
import type { Field } from '../mail/header.ts'

export type Taking = {
  readonly hostname: string
  readonly queueId: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

type Removal = (field: Field, taking: Taking) => boolean

const removals: ReadonlyMap<string, Removal> = new Map<string, Removal>([
  // Blind copies are in the envelope; the other recipients are not to learn of them (RFC 5322 section 3.6.3).
  ['bcc', () => true],
  ['resent-bcc', () => true],
  // Only the server that delivers finally writes it (RFC 5321 section 4.4); one that a client sends would direct bounces elsewhere.
  ['return-path', () => true],
  // A field in our own name that came from outside is a forgery (RFC 8601 section 5).
  ['authentication-results', ({ value }, { hostname }) => mayNameUs(value, hostname)],
  // An empty one counts as missing (RFC 6409 section 8.3), and is made anew: receivers that refuse mail without it refuse it empty.
  ['date', ({ value }) => saysNothing(value)],
  ['message-id', ({ value }) => saysNothing(value)],
])

const additions: readonly (readonly [name: string, line: (taking: Taking) => string])[] = [
  ['date', ({ at }) => `Date: ${dateTime(at)}\r\n`],
  // Made of the queue id, so that it is the same in every attempt and after every crash.
  ['message-id', ({ queueId, hostname }) => `Message-ID: <${queueId}@${hostname}>\r\n`],
]

/** The header with its removals and additions, the additions on top; `fields` are those of `header`. */
export function mendHeader(header: Buffer, fields: readonly Field[], taking: Taking): Buffer {
  const removed = fields.filter((field) => removals.get(field.name)?.(field, taking))
  const lacking = additions.filter(([name]) => !fields.some((field) => field.name === name && !removed.includes(field)))
  if (lacking.length === 0 && removed.length === 0) return header
  const starts = [0, ...removed.map(({ end }) => end)]
  const kept = starts.map((start, i) => header.subarray(start, removed[i]?.start ?? header.length))
  const added = lacking.map(([, line]) => line(taking)).join('')
  return Buffer.concat([Buffer.from(added), ...kept])
}

const saysNothing = (value: string): boolean => /^[<> \t]*$/.test(value)

// Where a comment, quotes or an encoded-word stand before the name, or behind it anything but a version, a comment or a semicolon
// (RFC 8601 section 2.2), receivers read different names: then it may be ours.
const plainName = /^([!#$%&'*+.^`{|}~\w-]+)(?:[ \t]*(?:;|$)|[ \t]+(?:\d+(?:[ \t;(]|$)|\())/

function mayNameUs(results: string, hostname: string): boolean {
  const [, name] = plainName.exec(results) ?? []
  return name === undefined || name.toLowerCase().replace(/\.$/, '') === hostname.toLowerCase()
}
