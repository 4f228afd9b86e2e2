/** What a submission server mends in a header that it takes (RFC 6409 section 8); every other octet stays. Pure. */
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
  // Who is in it is in the envelope, and the others are not to learn of it (RFC 5322 section 3.6.3).
  ['bcc', () => true],
  ['resent-bcc', () => true],
  // The last server writes it; who sends one wants the bounces elsewhere (RFC 5321 section 4.4).
  ['return-path', () => true],
  // What claims to be our own verdict is not (RFC 8601 section 5).
  ['authentication-results', ({ value }, { hostname }) => mayNameUs(value, hostname)],
  // One that says nothing is missing (RFC 6409 section 8.3): who refuses mail without it refuses that, too.
  ['date', ({ value }) => saysNothing(value)],
  ['message-id', ({ value }) => saysNothing(value)],
])

const additions: readonly (readonly [name: string, line: (taking: Taking) => string])[] = [
  ['date', ({ at }) => `Date: ${dateTime(at)}\r\n`],
  // Of the queue id: it is the same in every attempt and after every crash.
  ['message-id', ({ queueId, hostname }) => `Message-ID: <${queueId}@${hostname}>\r\n`],
]

/** `fields` are those of `header`. */
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

// A comment, quotes or an encoded-word before the name are read by some and not by others: then it may be ours.
const plainName = /^([!#$%&'*+.^`{|}~\w-]+)(?:[ \t;]|$)/

function mayNameUs(results: string, hostname: string): boolean {
  const [, name] = plainName.exec(results) ?? []
  return name === undefined || name.toLowerCase().replace(/\.$/, '') === hostname.toLowerCase()
}
