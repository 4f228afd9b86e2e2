/** What a segment says of itself and of those before it, in the record that opens it. */
import { type Entry, scan } from './record.ts'
import type { Segment } from './segment.ts'

type Opening = Extract<Entry, { kind: 'opened' }>

/** Undefined where that record is damaged. */
export function openingOf(bytes: Buffer, { nonce }: Segment): Opening | undefined {
  const [first] = scan(bytes, nonce)
  return first?.kind === 'record' && first.entry.kind === 'opened' ? first.entry : undefined
}

/** Which of these it is a copy of, as somebody made it under another number: read in that order it would bring back what has left. */
export function originalOf(bytes: Buffer, segment: Segment, names: readonly string[]): string | undefined {
  const own = openingOf(bytes, segment)?.name
  return own !== undefined && own !== segment.name && names.includes(own) ? own : undefined
}
