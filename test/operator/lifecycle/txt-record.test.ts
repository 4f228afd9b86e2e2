/** TXT records are shown for copying as strings of at most 255 octets (RFC 1035 section 3.3.14), as a line of a zone file, or as fields of a form. */
import { expect, test } from 'vitest'
import { formFields, txtStrings, zoneFileLine } from '../../../operator/lifecycle/txt-record.ts'

test.each([
  [0, [0]],
  [1, [1]],
  [255, [255]],
  [256, [255, 1]],
  [510, [255, 255]],
  [511, [255, 255, 1]],
])('a value of %i octets is split into strings of %j octets', (octets, lengths) => {
  expect(txtStrings('x'.repeat(octets)).map((s) => s.length)).toEqual(lengths)
})

test.each([
  ['v=spf1 -all', '"v=spf1 -all"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['tab\there\u00ff', '"tab\\009here\\255"'],
  [`${'x'.repeat(255)}y`, `"${'x'.repeat(255)}" "y"`],
])('the value %j is quoted for a zone file', (value, data) => {
  expect(zoneFileLine({ name: 'example.org', type: 'TXT', value })).toBe(`example.org. 3600 IN TXT ${data}`)
})

test('an alias is a line of a zone file', () => {
  const alias = { name: 's1._domainkey.example.org', type: 'CNAME', value: 's1.keys.example.net' } as const
  expect(zoneFileLine(alias)).toBe('s1._domainkey.example.org. 3600 IN CNAME s1.keys.example.net.')
})

test.each([
  ['example.org', '@'],
  ['_dmarc.example.org', '_dmarc'],
  ['s1._domainkey.mail.example.org', 's1._domainkey.mail'],
  ['badexample.org', 'badexample.org'],
])('in a form of the zone example.org, the host of %s is %s', (name, host) => {
  expect(formFields({ name, type: 'TXT', value: 'v="x"' }, 'example.org')).toEqual({
    host,
    type: 'TXT',
    value: 'v="x"',
  })
})
