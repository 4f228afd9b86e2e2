/** The tag lists of DKIM and DMARC (RFC 6376 section 3.2), written by whoever owns a zone. */
import { expect, test } from 'vitest'
import { parseTagList, quoted } from '../../../operator/lifecycle/tag-list.ts'
import { leastCpuMs } from '../../cpu-time.ts'

/** What a TXT record may have, by TCP. */
const blanks = ' \t'.repeat(30_000)

test.each([
  ['within a value', `v=DKIM1; p=a${blanks}b`],
  ['before a value', `v=DKIM1; p=${blanks}b`],
  ['where no tag is', `v=DKIM1; a${blanks}b`],
  ['at the end', `v=DKIM1; p=a${blanks}`],
])('a record costs its length: 60,000 blanks %s', (_where, text) => {
  expect(leastCpuMs(3, () => parseTagList(text))).toBeLessThan(50)
})

test('blanks around names and values go, and no others', () => {
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
