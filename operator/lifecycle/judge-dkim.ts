/**
 * Judges DKIM records: a selector's record must have exactly the key that signs, and a delegated selector must be a CNAME to it.
 */
import type { Lookup } from './answer.ts'
import { type DkimRecord, dkimRecordText, parseDkimRecord } from './dkim-record.ts'
import { type RecordVerdict, shown, verdict } from './record-verdict.ts'
import type { PublicKey, Wanted } from './records-wanted.ts'

type WantedKey = Extract<Wanted, { purpose: 'DKIM'; type: 'TXT' }>
type WantedAlias = Extract<Wanted, { purpose: 'DKIM'; type: 'CNAME' }>

export function judgeKey({ name, key }: WantedKey, lookup: Lookup): RecordVerdict {
  const question = { name, type: 'TXT' } as const
  const answer = lookup(question)
  const want = dkimRecordText(key.type, key.publicKey)
  if (answer === undefined) return { is: 'asks', questions: [question] }
  if (answer.is === 'unknown') return verdict({ state: 'Unknown', want, why: answer.why })
  const texts = answer.is === 'records' ? answer.records : []
  const [text] = texts
  if (text === undefined) return verdict({ state: 'Missing', want, why: 'there is no DKIM record; add it' })
  if (texts.length > 1) {
    const why = `there are ${texts.length} records, and receivers may use any of them; leave only the right one` // RFC 6376 section 3.6.2.2
    return verdict({ state: 'Duplicate', want, got: shown(texts), why })
  }
  const why = against(parseDkimRecord(text), key)
  const notes = isTesting(text)
    ? ['t=y marks the key as a test, so receivers may ignore its signatures; take t=y away']
    : []
  return verdict({ state: why === '' ? 'Match' : 'Mismatch', want, got: shown([text]), why, notes })
}

const isTesting = (text: string): boolean => {
  const record = parseDkimRecord(text)
  return record.is === 'key' && record.testing
}

function against(record: DkimRecord, wanted: PublicKey): string {
  switch (record.is) {
    case 'revoked':
      return 'its p= is empty: the key is revoked; put the key back, or rotate to another selector'
    case 'invalid':
      return `${record.why}; replace it`
    case 'key': {
      if (record.type !== wanted.type) return `it has a key of kind ${record.type}, not ${wanted.type}; replace it`
      return record.publicKey === wanted.publicKey ? '' : 'it has another key than the one that signs; replace it'
    }
  }
}

export function judgeAlias({ name, target: want }: WantedAlias, lookup: Lookup): RecordVerdict {
  const question = { name, type: 'CNAME' } as const
  const answer = lookup(question)
  if (answer === undefined) return { is: 'asks', questions: [question] }
  if (answer.is === 'unknown') return verdict({ state: 'Unknown', want, why: answer.why })
  const targets = answer.is === 'records' ? answer.records : []
  const [target] = targets
  if (target === undefined) return verdict({ state: 'Missing', want, why: 'there is no CNAME record; add it' })
  // RFC 2181 section 10.1: an alias has one target.
  if (targets.length > 1) {
    return verdict({
      state: 'Duplicate',
      want,
      got: shown(targets),
      why: 'a name may have only one CNAME record; leave the right one',
    })
  }
  const same = target.toLowerCase() === want
  return verdict({
    state: same ? 'Match' : 'Mismatch',
    want,
    got: shown([target]),
    why: same ? '' : 'it points to another name; replace it',
  })
}
