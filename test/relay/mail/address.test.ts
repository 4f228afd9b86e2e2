/** A path is one mailbox, which all programs read the same, or none; and mailboxes are compared in one form. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  comparable,
  comparableForwardPath,
  isSubdomain,
  needsQuotes,
  parsePath,
  sameDomain,
} from '../../../relay/mail/address.ts'

test.each([
  ['app@corp.t', 'app', 'corp.t'],
  ['APP@CORP.T', 'APP', 'corp.t'],
  ["o'brien+tag=x/y@sub.corp.t", "o'brien+tag=x/y", 'sub.corp.t'],
  ['first.last@a-b.c--d.example', 'first.last', 'a-b.c--d.example'],
  ['"john doe"@corp.t', 'john doe', 'corp.t'],
  ['"a\\"b\\\\c"@corp.t', 'a"b\\c', 'corp.t'],
  ['"app@corp.t"@other.t', 'app@corp.t', 'other.t'],
  ['app@xn--bcher-kva.example', 'app', 'xn--bcher-kva.example'],
  ['app@bücher.example', 'app', 'xn--bcher-kva.example'],
  ['app@Bücher.example', 'app', 'xn--bcher-kva.example'],
  ['app@ab--c.alte-bücher.example', 'app', 'ab--c.xn--alte-bcher-feb.example'],
  ['jörg@corp.t', 'jörg', 'corp.t'],
  [`${'l'.repeat(120)}@corp.t`, 'l'.repeat(120), 'corp.t'],
  [`${'l'.repeat(247)}@corp.t`, 'l'.repeat(247), 'corp.t'],
  [`app@${'d'.repeat(63)}.t`, 'app', `${'d'.repeat(63)}.t`],
])('%s is a mailbox', (text, localPart, domain) => {
  expect(parsePath(text)).toEqual({ localPart, domain, address: text })
})

test.each([
  ['no character at all', ''],
  ['no domain', 'postmaster'],
  ['a domain only', 'app.corp.test'],
  ['no local part', '@corp.t'],
  ['an empty domain', 'app@'],
  ['one label', 'app@localhost'],
  ['two @', 'app@corp.t@other.t'],
  ['a source route', '@other.t:app@corp.t'],
  ['a longer source route', '@a.t,@b.t:app@corp.t'],
  ['brackets', '<app@corp.t>'],
  ['an address literal', 'app@[127.0.0.1]'],
  ['an IPv6 literal', 'app@[IPv6:::1]'],
  ['a bare IPv4 address', 'app@127.0.0.1'],
  ['a number as the last label', 'app@corp.1'],
  ['a hexadecimal last label', 'app@corp.0x7f'],
  ['a final dot', 'app@corp.t.'],
  ['two dots in the domain', 'app@corp..t'],
  ['a label that begins with a hyphen', 'app@-corp.t'],
  ['a label that ends with a hyphen', 'app@corp-.t'],
  ['a U-label that ends with a hyphen', 'app@büche-.t'],
  ['a U-label that begins with a hyphen', 'app@-büche.t'],
  ['a U-label with two hyphens in its third place', 'app@bü--che.t'],
  ['a label that looks like an A-label and encodes nothing', 'app@xn--bappcher-kva.t'],
  ['an A-label of nothing', 'app@xn--.t'],
  ['an underscore in the domain', 'app@co_rp.t'],
  ['a label of 64 octets', `app@${'d'.repeat(64)}.t`],
  ['more than 254 octets', `${'l'.repeat(250)}@corp.t`],
  ['more than 254 octets of fewer letters', `${'ö'.repeat(125)}@corp.t`],
  ['two dots in the local part', 'a..b@corp.t'],
  ['a first dot', '.app@corp.t'],
  ['a last dot', 'app.@corp.t'],
  ['a space', 'a pp@corp.t'],
  ['a space at the end', 'app@corp.t '],
  ['a space before the @', 'app @corp.t'],
  ['a comment', 'app(x)@corp.t'],
  ['a comment in the domain', 'app@(x)corp.t'],
  ['an empty quoted string', '""@corp.t'],
  ['an open quoted string', '"app@corp.t'],
  ['a half-quoted local part', '"a"b@corp.t'],
  ['two quoted strings', '"a"."b"@corp.t'],
  ['a bracket in quotes', '"a>b"@corp.t'],
  ['a bracket and more in quotes', '"a> NOTIFY=NEVER <b"@corp.t'],
  ['an escaped bracket in quotes', '"a\\>b"@corp.t'],
  ['NUL', 'app@corp.t\0'],
  ['NUL before another domain', 'app@corp.t\0@other.t'],
  ['NUL in quotes', '"a\0b"@corp.t'],
  ['CR LF', 'app@corp.t\r\nRCPT TO:<x@y.t>'],
  ['LF at the end', 'app@corp.t\n'],
  ['LF in quotes', '"a\nb"@corp.t'],
  ['DEL', 'app\x7f@corp.t'],
  ['a comma', 'app@corp.t,ceo@other.t'],
  ['a semicolon', 'app@corp.t;ceo@other.t'],
  ['an encoded-word', '=?utf-8?q?ceo=40other.t=3e?=foo@corp.t'],
  ['an encoded-word in quotes', '"=?utf-8?q?ceo=40other.t?="@corp.t'],
  ['the end of an encoded-word that may have begun before it', 'app-?=ceo@corp.t'],
  ['percent-encoding in the domain', 'app@%63orp.t'],
  ['a fullwidth domain', 'app@ｃｏｒｐ.t'],
  ['an ideographic full stop', 'app@corp。t'],
  ['a soft hyphen in the domain', 'app@co\u00adrp.t'],
  ['a Kelvin sign in the domain', 'app@wor\u212a.t'],
  ['an upper-case U-label', 'app@BÜCHER.example'],
  ['a decomposed U-label', 'app@bu\u0308cher.example'],
  ['a letter that IDNA 2003 maps and 2008 keeps', 'app@straße.example'],
  ['a joiner in the domain', 'app@na\u200dme.example'],
  ['two directions in one label', 'app@aא.t'],
  ['a broken A-label beside a U-label', 'app@ü.xn--a'],
  ['a fullwidth @ in the local part', 'ceo＠other.t@corp.t'],
  ['a fullwidth letter in the local part', 'ａpp@corp.t'],
  ['a no-break space in the local part', 'a\u00a0pp@corp.t'],
  ['a zero-width space in the local part', 'a\u200bpp@corp.t'],
  ['a right-to-left override', 'a\u202epp@corp.t'],
  ['a replacement character, which stands for octets that were no UTF-8', 'a\ufffdpp@corp.t'],
])('a path is no mailbox that has %s', (_name, text) => {
  expect(parsePath(text)).toBeUndefined()
})

test('addresses are compared without regard to the case of ASCII letters, and of no other letters', () => {
  const form = (text: string) => comparable(parsePath(text) ?? { localPart: 'none', domain: 'none', address: 'none' })
  expect(form('APP@Corp.T')).toBe('app@corp.t')
  expect(form('"app"@corp.t')).toBe('app@corp.t')
  expect(form('JÖRG@corp.t')).toBe('jÖrg@corp.t')
})

test.each([
  ['"app"@corp.t', false],
  ['"john doe"@corp.t', true],
  ['"app@corp.t"@other.t', true],
  ['"a..b"@corp.t', true],
  ['app@corp.t', false],
])('%s needs its quotes: %s', (text, needed) => {
  const mailbox = parsePath(text)
  expect(mailbox && needsQuotes(mailbox)).toBe(needed)
})

test.each([
  ['sub.corp.t', 'corp.t', true],
  ['a.sub.Corp.t', 'corp.t', true],
  ['corp.t', 'corp.t', false],
  ['evilcorp.t', 'corp.t', false],
  ['corp.t.evil.t', 'corp.t', false],
])('%s is a subdomain of %s: %s', (domain, parent, below) => {
  expect(isSubdomain(domain, parent)).toBe(below)
})

test('domains are equal whatever the case of their letters', () => {
  expect(sameDomain('Corp.T', 'corp.t')).toBe(true)
  expect(sameDomain('corp.t', 'corp.tt')).toBe(false)
})

const pieces = fc.constantFrom('app', '@', '.', 'corp.t', '"', '\\', ' ', '<', '>', ',', '\0', 'ü', '[', ']', '=?', '%')

test('a path that is accepted has one @ outside quotes, and nothing that ends a command or an address', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces).map((p) => p.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        const mailbox = parsePath(text)
        if (!mailbox) return
        const outside = text.replace(/"(?:[^"\\]|\\.)*"/g, 'q')
        expect(outside.split('@')).toHaveLength(2)
        expect(outside).not.toMatch(/[\s<>,;:()[\]\0-\x1f\x7f]/)
        expect(mailbox.domain).toMatch(/^[a-z0-9.-]+\.[a-z][a-z0-9-]*$/)
        // A domain in its A-label form is read as itself.
        expect(parsePath(`app@${mailbox.domain}`)?.domain).toBe(mailbox.domain)
      },
    ),
    { numRuns: 5000 },
  )
})

test('a domain whose A-labels are longer than any name in DNS is refused, however short it is as U-labels', () => {
  const path = (labels: number): string => `a@${'é.'.repeat(labels)}test`
  expect(Buffer.byteLength(path(82))).toBeLessThan(254)
  expect([parsePath(path(82)), parsePath(path(32))]).toEqual([undefined, undefined])
  expect(parsePath(path(31))?.domain).toHaveLength(252)
})

test.each([
  ['a@b.example', 'a@B.EXAMPLE', true],
  ['a@bücher.example', 'a@xn--bcher-kva.example', true],
  ['"a"@b.example', 'a@b.example', true],
  ['"a\\ b"@b.example', '"a b"@b.example', true],
  ['a@b.example', 'A@b.example', false],
  ['a@b.example', 'a@c.example', false],
  ['"x@y"@b.example', '"x@Y"@b.example', false],
] as const)('%s and %s are one mailbox: %s', (a, b, same) => {
  expect(comparableForwardPath(a) === comparableForwardPath(b)).toBe(same)
})
