/** The tag lists of DKIM and DMARC records (RFC 6376 section 3.2) are parsed in time in proportion to their length. */
import { expect, test } from 'vitest'
import { parseTagList, quoted } from '../../../operator/lifecycle/tag-list.ts'
import { leastCpuMs } from '../../cpu-time.ts'

/** As many blanks as a TXT record may have that comes over TCP. */
const blanks = ' \t'.repeat(30_000)

test.each([
  ['within a value', `v=DKIM1; p=a${blanks}b`],
  ['before a value', `v=DKIM1; p=${blanks}b`],
  ['where no tag is', `v=DKIM1; a${blanks}b`],
  ['at the end', `v=DKIM1; p=a${blanks}`],
])('a record with 60,000 blanks %s is parsed in less than 50 ms', (_where, text) => {
  expect(leastCpuMs(3, () => parseTagList(text))).toBeLessThan(50)
})

test('blanks around names and values are removed, and no others', () => {
  const { tags } = parseTagList(' v\t=\r\n DKIM1 ;\tp = a b ; ') as Extract<
    ReturnType<typeof parseTagList>,
    { ok: true }
  >
  expect([...tags]).toEqual([
    ['v', 'DKIM1'],
    ['p', 'a b'],
  ])
  expect(quoted(' \t\r\n')).toBe('""')
})
