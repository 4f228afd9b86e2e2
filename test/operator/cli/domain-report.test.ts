/** For the record of a retired key, `domain check` says that it is still there and how to remove it, and nothing to publish. */
import { expect, test } from 'vitest'
import { type DomainLooked, domainJson, domainLines } from '../../../operator/cli/domain-report.ts'
import { domainRecords } from '../../../operator/lifecycle/domain-records.ts'
import { recordsWanted } from '../../../operator/lifecycle/records-wanted.ts'
import { own, type Zone } from '../lifecycle/zone.ts'

const zone: Zone = { 'TXT rf-0._domainkey.mail.example.org': ['v=DKIM1; k=rsa; p=OOOO'] }
function looked(): DomainLooked {
  const retired = { selector: 'rf-0', type: 'rsa', publicKey: 'OOOO' } as const
  const found = domainRecords(recordsWanted('mail.example.org', {}, [], [retired]), [own(zone)], undefined, 0)
  if (found.is === 'asks') throw new Error('everything is in the table')
  return { name: 'mail/example', domain: 'mail.example.org', found }
}
const plain = { out: () => undefined, err: () => undefined, style: (_: string, text: string) => text }

test('the text form has the name of the record, its value, what is wrong with it and how to mend that', () => {
  expect([...domainLines(looked(), plain)]).toEqual([
    'SenderDomain mail/example (mail.example.org): 95 of 100 points',
    '  RetiredKey   Leftover   TXT rf-0._domainkey.mail.example.org',
    '      is: v=DKIM1; k=rsa; p=OOOO',
    expect.stringMatching(/^ {2}-5 TXT rf-0\._domainkey\.mail\.example\.org: its key is retired, .*from the zone/),
  ])
})

test('the JSON form has no line for a zone file or a form', () => {
  const [record] = domainJson(looked()).records
  expect(record).toMatchObject({ purpose: 'RetiredKey', state: 'Leftover', got: 'v=DKIM1; k=rsa; p=OOOO' })
  expect(Object.keys(record ?? {})).not.toContain('zoneFile')
  expect(Object.keys(record ?? {})).not.toContain('form')
})
