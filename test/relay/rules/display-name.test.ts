/** A display name that shows another address than its own, openly or to a reader that decodes it, is refused. */
import { expect, test } from 'vitest'
import { senderRules } from '../policy.ts'
import { facts } from './facts.ts'
import { base64, MAL, message, NAME, ruleOf } from './headers.ts'

test.each([
  ['case M16: in quotes', '"ceo@other.t"'],
  ['among words', '"Billing for ceo@other.t"'],
  ['with brackets', '"CEO <ceo@other.t>"'],
  ['in another case', '"CEO@OTHER.T"'],
  ['its own address first', '"app@corp.t, ceo@other.t"'],
  ['its own address inside a longer one', '"xapp@corp.t"'],
  ['its own domain inside a longer one', '"app@corp.t.evil.t"'],
  ['another person of its own domain', '"ceo@corp.t"'],
  ['with spaces around the @', '"ceo @ other.t"'],
  ['with a no-break space', '"ceo\u00a0@\u00a0other.t"'],
  ['a fullwidth @', '"ceo＠other.t"'],
  ['a small @', 'ceo﹫other.t'],
  ['fullwidth letters', '"ｃｅｏ＠ｏｔｈｅｒ.t"'],
  ['a zero-width space beside the @', '"ceo\u200b@\u200bother.t"'],
  ['a zero-width space between two spaces', '"ceo @\u200b other.t"'],
  ['a tag character between two spaces', '"ceo @\u{e0020} other.t"'],
  ['a blank of Braille between two spaces', '"ceo @\u2800 other.t"'],
  ['its own address, which goes on behind a byte order mark', '"app@corp.t\ufeff.evil.t"'],
  [
    'its own address in an encoded-word, which goes on behind a byte order mark',
    '=?utf-8?q?app=40corp.t=EF=BB=BF.evil.t?=',
  ],
  ['its own address, which goes on behind a hair space', '"app@corp.t\u200aeam"'],
  ['its own address, which goes on behind an accent that stands alone', '"app@corp.t´eam"'],
  ['its own address, which goes on behind a dot above', '"app@corp.t˙evil.t"'],
  ['its own address, which goes on where all beyond ASCII is left out', '"app@corp.t\u3000eam"'],
  ['a domain behind a fullwidth comma, where all beyond ASCII is left out', '"ceo\uff0c@other.t"'],
  ['a soft hyphen', '"ceo\u00ad@other.t"'],
  ['a direction override', '"\u202eceo@other.t"'],
  [
    'its own address, which goes on where an isolate shows what is between first',
    '"\u2067Mail of app@corp.t \u2069eam"',
  ],
  ['its own address, which goes on where an embedding does the same', '"\u202bMail of app@corp.t, \u202ceam"'],
  ['one with spaces around its @, written backwards', '"\u202et.rehto @ oec"'],
  ['the same in an encoded-word', '=?utf-8?q?=E2=80=ABMail_of_app=40corp.t=2C_=E2=80=ACeam?='],
  ['without a dot', '"ceo@localhost"'],
  ['two @', '"ceo@@other.t"'],
  ['in an encoded-word in Q', '=?utf-8?q?ceo=40other.t?='],
  ['in an encoded-word in B', `=?utf-8?b?${base64('ceo@other.t')}?=`],
  ['in an encoded-word of latin1 in B', `=?iso-8859-1?B?${base64('ceo@other.t', 'latin1')}?=`],
  ['in an encoded-word of UTF-16', `=?utf-16le?B?${base64('ceo@other.t', 'utf16le')}?=`],
  ['a fullwidth @ in Q', '=?utf-8?q?ceo=EF=BC=A0other.t?='],
  ['a fullwidth @ of UTF-8, which many read whatever the charset', '=?us-ascii?q?ceo=EF=BC=A0other.t?='],
  ['a small @ of UTF-8 in a charset that few know', '=?iso-8859-8-i?b?Y2Vv77mrb3RoZXIudA==?='],
  ['a fullwidth @ of UTF-8 in a charset that only browsers know', '=?x-user-defined?q?=FF_ceo_=EF=BC=A0_other.t?='],
  ['split over two words', '=?utf-8?q?ceo=40?= =?utf-8?q?other.t?='],
  ['a fullwidth @ split over two words', '=?utf-8?q?ceo=EF=BC?= =?utf-8?q?=A0other.t?='],
  ['with a language', '=?utf-8*en?q?ceo=40other.t?='],
  ['encoded in quotes, which clients decode too', '"=?utf-8?q?ceo=40other.t?="'],
  ['with spaces inside, which clients decode too', '=?utf-8?q?ceo=40other.t x?='],
  ['UTF-7', '=?utf-7?q?ceo+AEA-other.t?='],
  ['a charset that nobody knows', '=?x?q?ceo=40other.t?='],
  ['broken base64', '=?utf-8?b?Y2VvQG90aGVyLnQ?='],
  ['an encoded-word in an encoded-word', `=?utf-8?b?${base64('=?utf-8?q?ceo=40other.t?=')}?=`],
  ['without its end', '=?utf-8?q?ceo=40other.t'],
  ['its local part in quotes', '=?utf-8?q?=22ceo=22=40other.t?='],
  ['its local part in apostrophes', `"'ceo'@other.t"`],
  ['quotes with spaces around the @', '=?utf-8?q?=22ceo=22_=40_other.t?='],
  ['its domain in apostrophes', `"ceo@'other.t'"`],
  ['its local part in brackets', '"<ceo>@other.t"'],
  ['its local part with a comment', '"ceo(x)@other.t"'],
  ['spaces around the @, and another @ behind it', '"ceo @ other.t @"'],
  ['its own address in quotes, which goes on for a reader that leaves out the space behind them', '"app@corp.t" eam'],
  ['its own address in quotes, which goes on in later quotes', '"app@corp.t" "e" "am"'],
  [
    'its own address in quotes, which goes on in later quotes that are folded',
    '"app@corp.t" "Example\r\n (app@corp.t)"',
  ],
  ['its own address in quotes, which goes on in quotes on the next line', '"Example, app@corp.t"\r\n "Billing"'],
  ['its own address, which goes on for a reader that decodes first', '=?utf-8?q?app=40corp.t_eam?='],
  [
    'its own address in an encoded-word, which goes on behind a comment, before a comma',
    '=?utf-8?q?app=40corp.t=28x=29_.other.t=2C?=',
  ],
  [
    'its own address in an encoded-word, which goes on, behind a bracket that ends no comment',
    '=?utf-8?q?x=29_app=40corp.t_eam?=',
  ],
  [
    'its own address, which goes on in quotes of which the first is in an encoded-word',
    '=?utf-8?q?=22?= "app@corp.t eam"',
  ],
  [
    'its own address in an encoded-word, which goes on, between brackets that stand in quotes',
    '=?utf-8?q?=22=28=22_app=40corp.t_eam_=22=29=22?=',
  ],
  ['a domain alone for who decodes first', '=?utf-8?q?=40other.t?='],
  ['a domain alone behind a bracket in quotes for who decodes first', '"(" =?utf-8?q?=40other.t?='],
  ['a domain alone before a quote for who decodes first', '"@other.t" =?utf-8?q?=22?='],
  ['spaces in the domain for who decodes first', '=?utf-8?q?ceo_=40_other_.t?='],
  ['a comment before the @ for a reader that decodes first', '=?utf-8?q?ceo_=28=28x=29=29_=40other.t?='],
  ['spaces around the @, and a handle behind it', '"ceo @ other.t @ home"'],
  ['spaces around the @ and an ideographic full stop', '"ceo @ other。t"'],
  ['an @ that is half a character unless each word is read alone', '=?gbk?q?ceo=81?= =?gbk?q?=40other.t?='],
  ['an @ that is half a character only to who knows more of its charset', '=?gb2312?q?ceo=81=40other.t?='],
  ['an @ beside octets that some leave out', '=?gb2312?q?ceo=81=40=81other.t?='],
  ['a domain with an octet in it that some leave out', '=?gb2312?q?ceo=81=40oth=81er.t?='],
  ['an @ that is katakana only to who knows more escapes', `=?iso-2022-jp?b?${base64('\x1b(ICEO@OTHER.T\x1b(B')}?=`],
  ['a state that lasts unless each word is read alone', '=?iso-2022-jp?q?=1B$B?= =?iso-2022-jp?q?ceo=40a.de?='],
])('a display name that shows another address is refused where the policy does not allow it: %s', (_name, name) => {
  const from = message(`From: ${name} <app@corp.t>`)
  const allow = { enforcement: 'Enforce', displayNameAddress: 'Allow' } as const
  expect(ruleOf(from)).toBe(NAME)
  expect(ruleOf(from, facts({ senderRules: senderRules({ headerFrom: allow }) }))).toBeUndefined()
})

test.each([
  ['base64', `=?utf-8?b?${base64('<ceo@other.t>')}?=`],
  ['quoted-printable, and a name before it', '=?utf-8?q?The_Boss_=3Cceo=40other.t=3E?='],
  ['two words', '=?utf-8?q?=3Cceo=40?= =?utf-8?q?other.t=3E?='],
  ['a quoted word', '"=?utf-8?q?=3Cceo=40other.t=3E?="'],
  ['a charset that nobody knows', '=?x?q?=3Cceo=40other.t=3E?='],
  ['UTF-7', '=?utf-7?q?+ADw-ceo+AEA-other.t+AD4-?='],
  ['UTF-7 in base64', `=?utf-7?b?${base64('Boss +ADw-ceo+AEA-other.t+AD4')}?=`],
  ['UTF-7 by a name that only some look up', '=?UTF7 ?q?+ADw-ceo+AEA-other.t+AD4-?='],
  ['EBCDIC', '=?cp037?b?TIOFlnyWo4iFmUujbg==?='],
  ['EBCDIC of another country', '=?IBM273?q?L=83=85=96=B5=96=A3=88=85=99K=A3n?='],
  ['EBCDIC by its name', '=?ebcdic-cp-us?b?TIOFlnyWo4iFmUujbg==?='],
  ['EBCDIC by nothing but its number', '=?1140?b?TIOFlnyWo4iFmUujbg==?='],
])('case M11: where names may show addresses, one in brackets in an encoded-word is ambiguous all the same: %s', (_name, name) => {
  const allow = { enforcement: 'Audit', displayNameAddress: 'Allow' } as const
  const allowing = facts({ senderRules: senderRules({ headerFrom: allow }) })
  expect(ruleOf(message(`From: ${name} <app@corp.t>`), allowing)).toBe(MAL)
  expect(ruleOf(message(`From: ${name} <app@corp.t>`))).toBe(NAME)
  expect(ruleOf(message('From: =?utf-8?q?=3Capp=40corp.t=3E?= <app@corp.t>'), allowing)).toBeUndefined()
  expect(ruleOf(message('From: =?cp850?q?M=81ller_Ltd_|_Sales?= <app@corp.t>'), allowing)).toBeUndefined()
})

test.each([
  ['in brackets', '"The\r\n <ceo@other.t>\r\n Boss"'],
  ['without brackets', '"The Boss,\r\n ceo@other.t"'],
  ['in quotes that end there', '"The\r\n Boss" "<ceo@other.t>"'],
  ['alone before the line end', '"ceo@other.t\r\n "'],
  ['at the end of what is before the line end', '"Billing for ceo@other.t\r\n Example"'],
  ['alone in the first quotes', '"ceo@other.t" "The\r\n Boss"'],
  ['its local part before the line end', '"ceo\r\n @other.t"'],
])('case M23: where names may show addresses, one beside a line end in quotes is ambiguous all the same: %s', (_name, name) => {
  const allow = { enforcement: 'Audit', displayNameAddress: 'Allow' } as const
  const allowing = facts({ senderRules: senderRules({ headerFrom: allow }) })
  expect(ruleOf(message(`From: ${name} <app@corp.t>`), allowing)).toBe(MAL)
  expect(ruleOf(message(`From: ${name.replaceAll('\r\n', '')} <app@corp.t>`), allowing)).toBeUndefined()
  expect(ruleOf(message('From: "ceo@other.t for\r\n Example" <app@corp.t>'), allowing)).toBeUndefined()
})

test.each([
  ['a list', '=?utf-8?q? "?=,ceo@other.t,=?utf-8?q?" ?='],
  ['one address', 'x =?utf-8?q? "?=ceo@other.t"'],
  ['quotes of which one is taken', '"=?utf-8?q?x" ?= ",ceo@other.t,"'],
  ['quotes in a word that goes on behind a question mark', '=?utf-8?q?a?b "?=,ceo@other.t,"'],
  ['quotes in a word without its end', '=?utf-8?q? ",ceo@other.t,"'],
  ['quotes in the name of a charset', '=?ut "f?q?x?=,ceo@other.t,=?ut" f?q?x?='],
])('case M23: where names may show addresses, one beside quotes within an encoded-word is ambiguous all the same: %s', (_name, name) => {
  const allow = { enforcement: 'Audit', displayNameAddress: 'Allow' } as const
  expect(
    ruleOf(message(`From: ${name} <app@corp.t>`), facts({ senderRules: senderRules({ headerFrom: allow }) })),
  ).toBe(MAL)
})

test.each([
  ['in a name', '=?utf-8?q?=2C'],
  ['behind another word, in capitals', 'Example =?ISO-8859-1?Q?=2c_Sales'],
  ['in quotes', '"=?utf-8?q?=2C" Example'],
  ['of base64, with a language', '=?utf-8*en?b?=2C'],
])('case M23: where names may show addresses, an encoded-word without an end may swallow the mailbox, and is ambiguous: %s', (_name, name) => {
  const allow = { enforcement: 'Audit', displayNameAddress: 'Allow' } as const
  const allowing = facts({ senderRules: senderRules({ headerFrom: allow }) })
  expect(ruleOf(message(`From: ${name} <app@corp.t>`), allowing)).toBe(MAL)
  expect(ruleOf(message(`From: ${name}`, ` <app@corp.t>`), allowing)).toBe(MAL)
  expect(ruleOf(message('From: =?utf-8?q?Example=2C <app@corp.t>'), allowing)).toBeUndefined()
  expect(ruleOf(message('From: =?x-unknown?q?=2C_Example?= <app@corp.t>'), allowing)).toBeUndefined()
})

test('the display name of a Sender is judged as the one of From is', () => {
  expect(ruleOf(message('From: app@corp.t', 'Sender: "ceo@other.t" <app@corp.t>'))).toBe(NAME)
})
