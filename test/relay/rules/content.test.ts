/** Which headers are accepted from a credential that may send as corp.t, and by which rule the others are refused. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replyLine } from '../../../relay/mail/reply.ts'
import { judgeHeader } from '../../../relay/rules/content.ts'
import { sender, senderRules } from '../policy.ts'
import { facts } from './facts.ts'
import { base64, inAudit, MAL, message, NAME, ruleOf, submission } from './headers.ts'

const DENY = 'senderRules.headerFrom'

test('the replies are those of RFC 6409 section 6', () => {
  const lineOf = (from: string) => {
    const { refusal } = judgeHeader(submission, message(from))
    return refusal && replyLine(refusal.reply)
  }
  expect(lineOf('From: <ceo@other.t>')).toMatch(/^550 5\.7\.1 .*\(senderRules\.headerFrom\)$/)
  expect(lineOf('From: a, b')).toMatch(/^554 5\.6\.0 .*\(always\.headers\)$/)
})

test.each([
  ['From: Example, Inc <app@corp.t>', 'From has a display name that has to stand in double quotes'],
  ['From: Example (IT) <app@corp.t>', 'From has a display name that has to stand in double quotes'],
  ['From: Example <app@corp.t>, "Ops" <ops@corp.t>', 'From has more than one mailbox'],
  ['Subject : x\r\nFrom: app@corp.t', 'a field name with white space or a bracket in it or behind it, or beyond ASCII'],
  ['From: app@web-7d9c', 'From has not exactly one plain mailbox, user@domain with two labels or more'],
  ['From: App <app@BÜCHER.t>', 'with two labels or more, beyond ASCII in lower case and composed (NFC)'],
])('the refusal says what is wrong with %s', (from, told) => {
  expect(judgeHeader(submission, message(from)).refusal?.reply.text).toContain(told)
})

test.each([
  ['the plain form', 'From: app@corp.t'],
  ['brackets', 'From: <app@corp.t>'],
  ['no space', 'From:<app@corp.t>'],
  ['a name', 'From: Example Billing <app@corp.t>'],
  ['a folded name', 'From: Example\r\n Billing\r\n\t<app@corp.t>'],
  ['its own address in a folded name in quotes', 'From: "Example Billing\r\n (app@corp.t)" <app@corp.t>'],
  ['its own address in quotes behind a word', 'From: Billing "app@corp.t" <app@corp.t>'],
  ['an encoded-word in quotes, and quotes beside it', 'From: "=?utf-8?q?J=C3=B6rg?=" "M" =?utf-8?q?x?= <app@corp.t>'],
  ['a folded name in quotes', 'From: "Example,\r\n Billing"\r\n\t<app@corp.t>'],
  ['an address in quotes that are not folded', 'From: "Example (app@corp.t)"\r\n "Billing" <app@corp.t>'],
  ['a name that is folded before its quotes', 'From: Example\r\n "app@corp.t for us" <app@corp.t>'],
  ['a value on the next line', 'From:\r\n Example <app@corp.t>'],
  ['case M26: upper case', 'FROM: <APP@CORP.T>'],
  ['case M26: a foreign Reply-To', 'From: app@corp.t\r\nReply-To: <x@other.t>'],
  ['a Sender of its own', 'From: app@corp.t\r\nSender: "Ops" <ops@corp.t>'],
  ['Resent- fields of its own, twice', 'Resent-From: a@corp.t\r\nResent-From: b@corp.t\r\nFrom: app@corp.t'],
  ['any local part of its domain', 'From: billing+x@corp.t'],
  ['case M26: a name in a comment, as of cron', 'From: app@corp.t (Cron Daemon)'],
  ['an encoded name', 'From: =?utf-8?Q?J=C3=B6rg?= <app@corp.t>'],
  ['an encoded name in latin1', 'From: =?iso-8859-1?B?SvZyZw==?= <app@corp.t>'],
  ['a name in UTF-8', 'From: Jörg <app@corp.t>'],
  ['a Chinese company whose octets hold a small @ of UTF-8', 'From: =?gb2312?b?zfLA77mry74=?= <app@corp.t>'],
  ['its own address as name', 'From: "app@corp.t" <app@corp.t>'],
  ['its own address in the name, in upper case', 'From: "Billing (APP@CORP.T)" <app@corp.t>'],
  ['its own address in an encoded name', `From: =?utf-8?b?${base64('app@corp.t')}?= <app@corp.t>`],
  ['its own address behind an encoded name', 'From: =?utf-8?q?J=C3=B6rg_M=2E_app=40corp.t?= <app@corp.t>'],
  [
    'its own address in brackets, and an @, in an encoded name',
    'From: =?utf-8?q?J=C3=B6rg_M=2E_=28app=40corp.t=29_=40_K=C3=B6ln?= <app@corp.t>',
  ],
  ['a handle with a dot in an encoded name', 'From: =?utf-8?q?J=C3=B6rg_=28=40john.doe=29?= <app@corp.t>'],
  ['a name with an @ that is no address', 'From: "Sales @ Example" <app@corp.t>'],
  ['a handle', 'From: "@example" <app@corp.t>'],
  ['a handle with a dot, and another @', 'From: "@john.doe @ Example" <app@corp.t>'],
  ['its own address and a handle', 'From: "app@corp.t @ Example" <app@corp.t>'],
  ['a handle with a dot', 'From: "John Doe (@john.doe)" <app@corp.t>'],
  ['its own address in apostrophes', `From: "'app@corp.t'" <app@corp.t>`],
  [
    'a Japanese name of two encoded words',
    'From: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?= =?iso-2022-jp?b?GyRCQkBPOhsoQg==?= <app@corp.t>',
  ],
  ['a signature that is folded at from', 'DKIM-Signature: h=to:\r\n\tfrom:subject;\r\n\ti=@corp.t\r\nFrom: app@corp.t'],
  ['a signature with more on that line', 'DKIM-Signature: h=\r\n From : To; i=app@corp.t; b=a/=\r\nFrom: app@corp.t'],
  [
    'a signature with a name a line',
    'DKIM-Signature: h=\r\n to:\r\n from:\r\n x;\r\n i=@corp.t; b=a\r\nFrom: app@corp.t',
  ],
  ['a signature with a list that goes on', 'DKIM-Signature: h=\r\n from:to:\r\n x; i=@corp.t\r\nFrom: app@corp.t'],
  [
    'a folded line with From and a name, a character of which is in two encoded-words',
    'X: =?utf-8?q?Gru=C3=9F?=\r\n From: =?utf-8?q?J=C3?=\r\n =?utf-8?q?=B6rg?=\r\nFrom: app@corp.t',
  ],
  ['unknown fields', 'From: app@corp.t\r\nConstructor: x\r\n__proto__: y\r\nX-From: ceo@other.t'],
])('a header is accepted: %s', (_name, from) => {
  expect(judgeHeader(submission, message(from))).toEqual({
    audited: [],
    fromDomain: 'corp.t',
    signingDomain: 'corp.t',
  })
})

test.each([
  ['case M02: another domain', 'From: <ceo@other.t>'],
  ['case M22: its address as the local part of another', 'From: "app@corp.t"@other.t'],
  ['case M22: its address behind a space in the local part of another', 'From: "x app@corp.t"@other.t'],
  ['case M28: a subdomain', 'From: app@sub.corp.t'],
  ['case M28: a domain that ends like its own', 'From: app@evilcorp.t'],
  ['case M28: a domain that begins with its own', 'From: app@corp.t.evil.t'],
  ['a domain with its own, with a hyphen for the dot, as one label', 'From: app@corp-t.evil.t'],
  ['its domain as local part', 'From: corp.t@other.t'],
  ['an A-label that looks like its domain', 'From: app@xn--orp-5cd.t'],
  ['a U-label that looks like its domain', 'From: app@сorp.t'],
  ['a percent route', 'From: app%corp.t@other.t'],
  ['a bang route', 'From: corp.t!app@other.t'],
  ['case M29: a foreign Sender', 'From: app@corp.t\r\nSender: <ceo@other.t>'],
  ['case M29: a foreign Sender before From', 'Sender: <ceo@other.t>\r\nFrom: app@corp.t'],
  ['case M29: a foreign Resent-From', 'Resent-From: <ceo@other.t>\r\nFrom: app@corp.t'],
  ['case M29: a foreign Resent-Sender', 'From: app@corp.t\r\nResent-Sender: <ceo@other.t>'],
  ['the second Resent-From', 'Resent-From: app@corp.t\r\nResent-From: ceo@other.t\r\nFrom: app@corp.t'],
  ['a Sender in upper case', 'From: app@corp.t\r\nSENDER: ceo@other.t'],
])('a header with a sender that the credential does not own is refused: %s', (_name, from) => {
  expect(ruleOf(message(from))).toBe(DENY)
})

test.each([
  ['case M03: no From', 'X-From: app@corp.t'],
  ['a From with a hyphen', 'From-: app@corp.t'],
  ['case M04: two From', 'From: <app@corp.t>\r\nFrom: <ceo@other.t>'],
  ['two From, the second is its own', 'From: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['the same From twice', 'From: <app@corp.t>\r\nfrom: <app@corp.t>'],
  ['two From far apart', `From: <app@corp.t>\r\n${'X: y\r\n'.repeat(200)}FROM: <ceo@other.t>`],
  ['an empty second From', 'From: <app@corp.t>\r\nFrom:'],
  ['case M06: a folded first line', ' From: <app@corp.t>\r\nFrom: <ceo@other.t>'],
  ['a space before the colon', 'From : <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a fold before the colon', 'From\r\n : <ceo@other.t>\r\nFrom: <app@corp.t>'],
  [
    'case M23: quotes that a long line is folded in, and its own address behind that, going on',
    `From: "${'y'.repeat(980)}, app@corp.t .other.t" <app@corp.t>`,
  ],
  ['a From in its own fold', 'From: <app@corp.t>\r\n From: <ceo@other.t>'],
  ['an octet above 127 before the colon', 'From\u00a0: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a NUL before the colon', 'From\0: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['case M04: a second From behind a bracket', '>From: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['case M04: a second From before a bracket', 'From: <app@corp.t>\r\nFrom): <ceo@other.t>'],
  ['case M04: a Sender behind brackets', 'From: <app@corp.t>\r\n)>Sender: <ceo@other.t>'],
  ['a line feed before a second From', 'X: y\nFrom: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a carriage return before a second From', 'X: y\rFrom: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a form feed before a second From', 'X: y\x0cFrom: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a line of nothing but a space', 'X: y\r\n \r\nFrom: <app@corp.t>'],
  ['an mbox line', 'From app@corp.t\r\nFrom: <app@corp.t>'],
  ['no field at all', 'hello'],
  ['an empty From', 'From:'],
  ['a From of white space', 'From: \t'],
  ['case M09: two mailboxes', 'From: <app@corp.t>, <ceo@other.t>'],
  ['two mailboxes of its own', 'From: <app@corp.t>, <ops@corp.t>'],
  ['case M11: an encoded mailbox', 'From: =?utf-8?b?PGNlb0BvdGhlci50Pg==?=,<app@corp.t>'],
  [
    'case M11: its own address behind an encoding, and white space',
    'From: =?utf-8?q?=3Capp=40corp.t_.x.t=3E?= <app@corp.t>',
  ],
  [
    'case M11: its own address behind an encoding, and a comment',
    'From: =?utf-8?q?=3Capp=40corp.t=28=29.x=3E?= <app@corp.t>',
  ],
  ['case M14: an address after the bracket', 'From: <app@corp.t>ceo@other.t'],
  ['an address before the bracket', 'From: <ceo@other.t>app@corp.t'],
  ['case M15: an address as name', 'From: ceo@other.t <app@corp.t>'],
  ['its own address as name, unquoted', 'From: app@corp.t <app@corp.t>'],
  ['case M18: a group', 'From: corp: app@corp.t;'],
  ['case M18: an empty group', 'From: undisclosed:;'],
  ['case M19: groups in groups', `From: ${'a:'.repeat(3000)}app@corp.t${';'.repeat(3000)}`],
  ['case M20: NUL in the domain', 'From: <app@corp.t\0>'],
  ['case M20: NUL before a domain', 'From: <app@corp.t\0@other.t>'],
  ['case M23: an open quote', 'From: "a <app@corp.t'],
  ['case M23: an open bracket', 'From: <app@corp.t'],
  ['case M23: a letter in place of a bracket', 'From: <app@corp.tx'],
  ['case M23: a stray bracket', 'From: app@corp.t>'],
  ['case M23: an address behind a line end in quotes', 'From: "The\r\n <app@corp.t(x).other.t>\r\n Boss" <app@corp.t>'],
  ['case M23: quotes behind a line end in quotes', 'From: "a\\"\r\n b" "<app@corp.t .other.t>" <app@corp.t>'],
  [
    'case M23: its own address behind a line end in quotes, going on',
    'From: "Boss,\r\n app@corp.t .other.t" <app@corp.t>',
  ],
  [
    'case M23: its own address behind a line end in quotes, going on behind a comment',
    'From: "Boss,\r\n app@corp.t (x) .other.t" <app@corp.t>',
  ],
  ['case M23: a space in an address behind a line end in quotes', 'From: "Boss,\r\n ceo@ other" <app@corp.t>'],
  [
    'case M23: its own address behind a line end in quotes, going on without a dot',
    'From: "Boss,\r\n app@corp.t other.t" <app@corp.t>',
  ],
  ['case M23: its own address behind a line end in quotes, longer', 'From: "Boss,\r\n ceo. app@corp.t" <app@corp.t>'],
  [
    'case M23: a domain behind a bracket in quotes, and a line end in others',
    'From: "Boss (@other.t" "\r\n x" <app@corp.t>',
  ],
  ['case M23: a domain behind a line end in quotes', 'From: "\r\n @other.t" <app@corp.t>'],
  [
    'case M23: quotes within an encoded-word, and its own address beside them, going on',
    'From: =?utf-8?q? "?=,app@corp.t .other.t,=?utf-8?q?" ?= <app@corp.t>',
  ],
  [
    'case M23: quotes within an encoded-word in capitals, and its own address beside them, going on',
    'From: =?UTF-8?Q? "?=,app@corp.t .other.t,=?UTF-8?Q?" ?= <app@corp.t>',
  ],
  ['case M23: an encoded-word out of quotes', 'From: "=?utf-8?q?x" ?= ",app@corp.t .other.t," <app@corp.t>'],
  [
    'case M23: a quoted-pair, and its own address in the quotes behind it, going on',
    'From: "a\\"b" "<app@corp.t .other.t>" <app@corp.t>',
  ],
  ['a comment before', 'From: (Billing) app@corp.t'],
  ['a comment with an address', 'From: app@corp.t (ceo@other.t)'],
  ['a comment that shows an address', 'From: (ceo@other.t) <app@corp.t>'],
  ['a route', 'From: <@other.t,@x.t:app@corp.t>'],
  ['a quoted comma', 'From: <ceo@other.t>\\,<app@corp.t>'],
  ['a quoted local part in its own domain', 'From: "app"@corp.t'],
  ['an address literal', 'From: <app@[192.0.2.1]>'],
  ['one label', 'From: app@corp'],
  ['a fullwidth domain', 'From: app@ｃｏｒｐ.t'],
  ['a Sender that is no mailbox', 'From: app@corp.t\r\nSender: Ops'],
  ['an empty Sender', 'From: app@corp.t\r\nSender:'],
  ['two Senders', 'From: app@corp.t\r\nSender: app@corp.t\r\nSender: app@corp.t'],
  ['a Resent-From with two mailboxes', 'From: app@corp.t\r\nResent-From: app@corp.t, ops@corp.t'],
  ['a second Subject', 'From: app@corp.t\r\nSubject: other'],
  ['a second To', 'From: app@corp.t\r\nto: x@y.t'],
  ['a second Date', 'From: app@corp.t\r\nDATE: x'],
  ['two Reply-To', 'From: app@corp.t\r\nReply-To: a@b.t\r\nReply-To: c@d.t'],
  ['two Cc', 'From: app@corp.t\r\nCc: a@b.t\r\nCc: c@d.t'],
  ['two Bcc', 'From: app@corp.t\r\nBcc: a@b.t\r\nBcc: c@d.t'],
  ['two Message-ID', 'From: app@corp.t\r\nMessage-ID: <a@b>\r\nMessage-Id: <c@d>'],
  ['two Content-Type', 'From: app@corp.t\r\nContent-Type: text/plain\r\nContent-type: text/html'],
  ['two encodings', 'From: app@corp.t\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64'],
  ['a NUL behind an encoding', 'From: =?utf-8?q?a=00b?= <app@corp.t>'],
  ['NEL behind an encoding', 'From: =?utf-8?q?a=C2=85Sender=3A_b?= <app@corp.t>'],
  ['a line separator behind an encoding', 'From: =?utf-8?q?a=E2=80=A8Sender=3A_b?= <app@corp.t>'],
  ['CR LF in a charset that nobody knows', 'From: =?x?q?a=0D=0Ab?= <app@corp.t>'],
  ['CR LF beside what is not of its charset', 'From: =?utf-8?q?a=0D=0Ab=FF?= <app@corp.t>'],
  ['CR LF beside a broken escape', 'From: =?utf-8?q?a=0D=0Ab=4?= <app@corp.t>'],
  ['CR LF in an encoded-word without its end', 'From: =?utf-8?q?a=0D=0Ab <app@corp.t>'],
  ['CR LF in broken base64', 'From: =?utf-8?b?YQ0KQg?= <app@corp.t>'],
  ['UTF-16 in an order that is not said', `From: =?utf-16?b?${base64('\u6300\u4000\u6f00', 'utf16le')}?= <app@corp.t>`],
  ['NUL in UTF-7', 'From: =?utf-7?q?a=00b?= <app@corp.t>'],
  ['a line end of EBCDIC', 'From: =?cp500?q?=81=25=82?= <app@corp.t>'],
  ['a line end by an escape of Python', 'From: =?unicode_escape?q?a=5Cnb?= <app@corp.t>'],
  ['a line end by an escape of Python, with the charset in capitals', 'From: =?UNICODE_ESCAPE?Q?a=5Cnb?= <app@corp.t>'],
  ['an address by escapes of Python', 'From: =?unicode_escape?q?=5Cx3cceo=5Cx40other.t=5Cx3e?= <app@corp.t>'],
  ['CR LF behind an encoding', `From: =?utf-8?b?${base64('a\r\nBcc: x@y.t')}?= <app@corp.t>`],
])('a malformed or ambiguous header is refused, in Audit too: %s', (_name, from) => {
  expect(ruleOf(message(from))).toBe(MAL)
  expect(ruleOf(message(from), inAudit)).toBe(MAL)
})

test.each([
  ['case M03: an empty header', '\r\n'],
  ['no octets', ''],
  ['an empty header and a body', '\r\nFrom: app@corp.t\r\n\r\n'],
  ['a body behind the header', 'From: app@corp.t\r\n\r\nhello\r\n'],
])('octets that are no header with a From are refused as malformed: %s', (_name, octets) => {
  expect(judgeHeader(submission, Buffer.from(octets))).toMatchObject({ refusal: { rule: MAL }, fromDomain: '' })
})

test('in Audit, what would be refused is collected once for each rule, and the header is accepted', () => {
  const headerFrom = { enforcement: 'Audit', displayNameAddress: 'Reject' } as const
  const alignment = { enforcement: 'Audit', mode: 'Strict' } as const
  const audit = { ...submission, ...facts({ senderRules: senderRules({ headerFrom, alignment }) }) }
  const verdict = judgeHeader(audit, message('From: "x@y.t" <ceo@other.t>', 'Sender: <ceo@other.t>'))
  expect(verdict.refusal).toBeUndefined()
  expect(verdict.audited.map((r) => r.rule)).toEqual([DENY, NAME, 'senderRules.alignment'])
  expect(verdict.fromDomain).toBe('other.t')
  expect(
    verdict.signingDomain,
    'mail whose From is only audited is not signed as the domain of that From',
  ).toBeUndefined()
})

test('a rule in Audit does not keep the next rule from refusing', () => {
  const headerFrom = { enforcement: 'Audit', displayNameAddress: 'Reject' } as const
  const verdict = judgeHeader(
    { ...submission, ...facts({ senderRules: senderRules({ headerFrom }) }) },
    message('From: <ceo@other.t>'),
  )
  expect(verdict.audited.map((r) => r.rule)).toEqual([DENY])
  expect(verdict.refusal?.rule).toBe('senderRules.alignment')
})

const both = facts({}, { senders: [sender({ includeSubdomains: true }), sender({ domain: 'corp.example' })] })
test.each([
  ['equal domains', 'bounce@corp.t', 'Strict', undefined],
  ['another case', 'bounce@CORP.T', 'Strict', undefined],
  ['a subdomain in mode Strict', 'x@bounce.corp.t', 'Strict', 'senderRules.alignment'],
  ['a subdomain in mode Organizational', 'x@bounce.corp.t', 'Organizational', undefined],
  ['another domain', 'x@corp.example', 'Organizational', 'senderRules.alignment'],
  ['the null reverse-path', '', 'Strict', undefined],
  ['a reverse-path that is no address', 'nonsense', 'Organizational', 'senderRules.alignment'],
] as const)('alignment of From with the reverse-path: %s', (_name, reversePath, mode, rule) => {
  const config = facts({ senderRules: senderRules({ alignment: { enforcement: 'Enforce', mode } }) }).config
  expect(ruleOf(message('From: app@corp.t'), { ...both, config, reversePath })).toBe(rule)
})

test('case M25: a U-label in From is the same domain as its A-label', () => {
  const own = facts({}, { senders: [sender({ domain: 'xn--bcher-kva.example' })] })
  for (const [domain, reversePath] of [
    ['bücher.example', 'app@xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'app@bücher.example'],
    ['XN--BCHER-KVA.EXAMPLE', 'app@bücher.example'],
  ]) {
    const verdict = judgeHeader({ ...own, reversePath: reversePath ?? '' }, message(`From: App <app@${domain}>`))
    const domains = { fromDomain: 'xn--bcher-kva.example', signingDomain: 'xn--bcher-kva.example' }
    expect(verdict).toEqual({ audited: [], ...domains })
  }
})

test('a local part beyond ASCII needs SMTPUTF8', () => {
  expect(ruleOf(message('From: jörg@corp.t'))).toBe('always.utf8')
  expect(ruleOf(message('From: jörg@corp.t'), { smtpUtf8: true })).toBeUndefined()
})

test('octets that are no UTF-8 are refused in From, and pass elsewhere', () => {
  const latin1 = (text: string) => Buffer.from(`${text}\r\n\r\n`, 'latin1')
  expect(ruleOf(latin1('From: J\xf6rg <app@corp.t>'))).toBe(MAL)
  expect(ruleOf(latin1('From: app@corp.t\r\nSubject: J\xf6rg'))).toBeUndefined()
})

test('a refusal repeats nothing that the client wrote', () => {
  for (const lines of [['From: <secret@other.t>'], ['From: <app@corp.t>', 'Sender: "secret']]) {
    const { refusal } = judgeHeader(submission, message(...lines))
    expect(refusal && replyLine(refusal.reply)).toMatch(/^55[04] (?!.*secret)/)
  }
})

const evil = fc.constantFrom(
  ...[
    'X: y',
    'From',
    'Sender',
    'from ',
    ' From',
    'Resent-From',
    ':',
    ': ',
    '\r\n',
    '\r\n ',
    '\r\n\t',
    '\n',
    '\r',
    '\0',
    '\x85',
  ],
  ...['<app@corp.t>', 'app@corp.t', '<ceo@other.t>', 'ceo@other.t', '"', '(', ')', ',', ';', 'App ', '=?utf-8?q?=40?='],
)
const headers = fc.oneof(
  fc.array(evil, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''), 'latin1')),
  fc
    .array(evil, { maxLength: 8 })
    .map((parts) => Buffer.from(`From: app@corp.t\r\n${parts.join('')}\r\n\r\n`, 'latin1')),
  fc.uint8Array({ maxLength: 2000, size: 'max' }).map((octets) => Buffer.from(octets)),
)

test('any octets are judged without an exception, and no accepted header shows other.t to a reader that takes anything for a line end', () => {
  const numRuns = Number(process.env['RELAYFLEET_FUZZ_RUNS'] ?? 5000)
  let accepted = 0
  fc.assert(
    fc.property(headers, (header) => {
      const { refusal } = judgeHeader(submission, header)
      if (refusal) return
      accepted++
      // As the most careless parser would read it: each of these ends a line, and white space may be anywhere.
      const lines = header.toString('latin1').split(/[\r\n\0\x0b\x0c\x85]/)
      const shown = lines.filter((line) => /^\s*(resent-)?(from|sender)\s*:/i.test(line)).join()
      expect(shown).toMatch(/app@corp\.t/)
      expect(shown).not.toMatch(/other\.t/)
    }),
    { numRuns },
  )
  // Of 5,000 headers some 70 are accepted; in one of a hundred runs there were no more than 50.
  expect(accepted).toBeGreaterThan(numRuns / 500)
})
