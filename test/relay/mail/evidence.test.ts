/** An address is shown clear, masked or hashed, as the policy says, also where it stands within another text. */
import { expect, test } from 'vitest'
import { showAddress, showAddresses, withoutAddresses } from '../../../relay/mail/evidence.ts'
import { liveBytes } from '../live-memory.ts'

test.each([
  ['Clear', 'User@example.org', 'User@example.org'],
  ['Mask', 'user@example.org', 'u***@example.org'],
  ['Clear', '', '<>'],
  ['Mask', '', '<>'],
  ['Hash', '', '<>'],
] as const)('with evidence %s the address %s is shown as %s', (evidence, address, shown) => {
  expect(showAddress(evidence, address)).toBe(shown)
})

test('the hash of an address is the same each time, in whatever letter case, and does not tell the address', () => {
  const hash = showAddress('Hash', 'user@example.org')
  expect(hash).toMatch(/^h:[0-9a-f]{16}$/)
  expect(showAddress('Hash', 'USER@example.org')).toBe(hash)
  expect(showAddress('Hash', 'other@example.org')).not.toBe(hash)
})

test.each([
  ['4.2.0 <bob@x.test>: greylisted', '4.2.0 <***>: greylisted'],
  ['bob@x.test is over quota', '*** is over quota'],
  ["o'brien+tag=y@x.test, try later", '***, try later'],
  ['<"b o b"@x.test> no', '<***> no'],
  ['bob@[192.0.2.1] no', '*** no'],
  ['mailto:bob@x.test', 'mailto:***'],
  ['SRS0=a=b=x.test=bob@y.test no', '*** no'],
  ['[192.0.2.1] is listed at http://x.test/q?ip=192.0.2.1', '[192.0.2.1] is listed at http://x.test/q?ip=192.0.2.1'],
  ['see http://x.test/Why?s=mfrom;id=bob%40x.test;ip=192.0.2.1', 'see http://x.test/Why?s=mfrom;id=***;ip=192.0.2.1'],
  ['see http://x.test/?id=bob%40x.test&ip=192.0.2.1', 'see http://x.test/?id=***&ip=192.0.2.1'],
  ['mail @ rest', 'mail @ rest'],
])('a text is told without the addresses in it: %s as %s', (text, told) => {
  expect(withoutAddresses(text)).toBe(told)
})

test('an address in the query of a URL is shown as the same address is elsewhere', () => {
  const shown = showAddress('Hash', 'bob@x.test')
  expect(showAddresses('Hash', 'see http://x.test/?id=bob%40x.test')).toBe(`see http://x.test/?id=${shown}`)
})

test('nothing else is kept in memory of a reply of which an address was shown, however long that reply (case U19)', () => {
  const before = liveBytes()
  for (let n = 0; n < 400; n++) {
    const reply = `no mailbox of recipient.number.${n}@x.test ${'x '.repeat(50_000)}`
    showAddresses('Hash', reply.slice(0, 500))
  }
  expect(liveBytes() - before).toBeLessThan(2_000_000)
})

test('with clear evidence a text is shown as it came', () => {
  const reply = 'no mailbox bob@x.test. See http://x.test/?id=bob%40x.test.'
  expect(showAddresses('Clear', reply)).toBe(reply)
})

test('of addresses that were shown few are kept in memory, however many there were', () => {
  const before = liveBytes()
  for (let n = 0; n < 50_000; n++) showAddress('Hash', `recipient.number.${n}@x.test`)
  expect(liveBytes() - before).toBeLessThan(1_000_000)
})
