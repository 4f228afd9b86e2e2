/** Judges the record of a retired key, which has to be gone or to show another key or none (an empty p=). */
import type { Lookup } from './answer.ts'
import { publicKeyIn } from './dkim-record.ts'
import { type RecordVerdict, shown, verdict } from './record-verdict.ts'
import type { Wanted } from './records-wanted.ts'

const remains =
  'its key is retired, but while the record is there, anybody who has stolen the key can sign as this domain; remove the record from the zone, unless something else signs with this key'

/** A record with another key under the same selector is no leftover: the owner may have reused the name. */
export function judgeRetired({ name, key }: Extract<Wanted, { purpose: 'RetiredKey' }>, lookup: Lookup): RecordVerdict {
  const question = { name, type: 'TXT' } as const
  const answer = lookup(question)
  if (answer === undefined) return { is: 'asks', questions: [question] }
  if (answer.is === 'unknown') return verdict({ state: 'Unknown', want: '', why: answer.why })
  const texts = answer.is === 'records' ? answer.records : []
  const left = texts.filter((text) => publicKeyIn(text) === key.publicKey)
  if (left.length === 0) return verdict({ state: 'Match', want: '', why: '' })
  return verdict({ state: 'Leftover', want: '', got: shown(left), why: remains })
}
