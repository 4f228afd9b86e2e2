/** The record of a retired key: it has to be gone, or to say that the key is revoked. */
import type { Lookup } from './answer.ts'
import { publicKeyIn } from './dkim-record.ts'
import { type RecordVerdict, shown, verdict } from './record-verdict.ts'
import type { Wanted } from './records-wanted.ts'

const remains =
  'its key is retired, and whoever has stolen it can sign as this domain as long as the record is there; take the record out of the zone, unless something else signs with this key'

/** Another key under the same selector is nobody's leftover: its owner may have given the name to it. */
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
