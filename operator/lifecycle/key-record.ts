/** What was seen of a key's record at the last look at its domain. */
import { type HeldKey, keyTypeOf } from './dkim-key.ts'
import type { KeySighting } from './dkim-line-facts.ts'
import { dkimRecordText } from './dkim-record.ts'
import type { DomainRecords } from './domain-records.ts'
import { selectorName } from './records-wanted.ts'

/**
 * Undefined where the record was not wanted at that look. For a delegated selector, the CNAME and the record behind it must both
 * be seen.
 */
export function keyRecordIn(
  domain: string,
  { selector, algorithm, publicKey }: HeldKey,
  { found, at, apartMs }: { readonly found: DomainRecords; readonly at: number; readonly apartMs: number },
): KeySighting['record'] {
  const want = dkimRecordText(keyTypeOf(algorithm), publicKey)
  const name = selectorName(selector, domain)
  const own = found.records.filter((r) => r.purpose === 'DKIM' && (r.name === name || r.want === want))
  if (!own.some((r) => r.type === 'TXT' && r.want === want)) return undefined
  const isEverywhere = own.every(({ seen }) => seen === 'everywhere')
  const isNowhere = own.every(({ seen }) => seen === 'nowhere')
  return { seen: isEverywhere ? 'everywhere' : isNowhere ? 'nowhere' : 'somewhere', checkedAt: at, apartMs }
}
