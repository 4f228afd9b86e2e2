/** Encoded-words (RFC 2047) are decoded as mail programs show them, and where these may differ not at all. */
import { expect, test } from 'vitest'
import { decodeWords } from '../../../relay/mail/encoded-word.ts'
import { cpuMs } from '../../cpu-time.ts'
import { base64 } from '../rules/headers.ts'

test.each([
  ['plain text', 'Example Inc.', 'Example Inc.'],
  ['Q', '=?utf-8?Q?J=C3=B6rg?=', 'Jörg'],
  ['q in lower case, hex in lower case', '=?UTF-8?q?J=c3=b6rg?=', 'Jörg'],
  ['an underscore is a space', '=?utf-8?q?a_b?=', 'a b'],
  ['B', `=?utf-8?B?${base64('Jörg')}?=`, 'Jörg'],
  ['B without padding', '=?utf-8?B?SsO2cmch?=', 'Jörg!'],
  ['latin1', '=?iso-8859-1?q?J=F6rg?=', 'Jörg'],
  ['latin1 in B', `=?ISO-8859-1?b?${base64('Jörg', 'latin1')}?=`, 'Jörg'],
  ['a charset with state', '=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=', '日本'],
  [
    'two words of a charset with state',
    '=?iso-2022-jp?b?GyRCRnxLXBsoQg==?= =?iso-2022-jp?b?GyRCQkBPOhsoQg==?=',
    '日本太郎',
  ],
  ['a language', '=?utf-8*de?q?J=C3=B6rg?=', 'Jörg'],
  ['text around it', 'Dr. =?utf-8?q?J=C3=B6rg?= Doe', 'Dr. Jörg Doe'],
  ['two words lose the space between them', '=?utf-8?q?ceo=40?= =?utf-8?q?other.t?=', 'ceo@other.t'],
  ['two charsets', '=?utf-8?q?a?=\t=?iso-8859-1?q?=F6?=', 'aö'],
  ['a character that is split between two words', '=?utf-8?q?J=C3?= =?utf-8?q?=B6rg?=', 'Jörg'],
  ['the same split between B and Q', '=?utf-8?b?SsM=?= =?UTF-8?q?=B6rg?=', 'Jörg'],
  ['spaces inside, which decoders take', '=?utf-8?q?ceo=40other.t and?=', 'ceo@other.t and'],
  ['nothing inside', '=?utf-8?q??=', ''],
  ['no encoded-word', 'what?= yes', 'what?= yes'],
  ['a NUL', '=?utf-8?q?a=00b?=', 'a\0b'],
  ['a character of GBK as GB 2312', '=?gb2312?q?=CD=F5=86=B4_Ltd?=', '王喆 Ltd'],
  ['a character that ends in the octet of an @', '=?big5?q?=A4=40Example.com?=', '一Example.com'],
  ['a space that ends in the octet of an @', '=?shift_jis?q?=8A=94=81=40Example.com?=', '株\u3000Example.com'],
  ['the same beside a character of NEC', '=?shift_jis?q?=87=40=8A=94=81=40Example.com?=', '①株\u3000Example.com'],
  ['katakana of half width', '=?shift_jis?q?=C0=C5=B6_app=40corp.t?=', 'ﾀﾅｶ app@corp.t'],
  ['katakana of half width behind an escape', `=?iso-2022-jp?b?${base64('\x1b(I@E6\x1b(B')}?=`, 'ﾀﾅｶ'],
])('encoded-words are decoded: %s', (_name, text, shown) => {
  expect(decodeWords(text)).toBe(shown)
})

test.each([
  ['an unknown charset', '=?x-mine?q?a?='],
  ['UTF-7, which hides an @', '=?utf-7?q?ceo+AEA-other.t?='],
  ['an unknown encoding', '=?utf-8?x?a?='],
  ['octets that are not of the charset', '=?utf-8?q?J=F6rg?='],
  ['UTF-16 without its order', '=?utf-16?b?YQBiAA==?='],
  ['an @ that is half a character', '=?gbk?q?ceo=81?= =?gbk?q?=40other.t?='],
  ['half a character', '=?utf-8?q?J=C3?='],
  ['an @ that is half a character of GBK, and not of GB 2312', '=?gb2312?q?ceo=81=40other.t?='],
  ['the same before another word', '=?gb2312?q?ceo=81=40?= =?utf-8?q?other.t?='],
  ['a letter that is half a character of GBK', '=?utf-8?q?app=40corp.t?= =?gb2312?q?=A9ream?='],
  ['an @ that is half a character of Hong Kong', '=?big5?q?ceo=87=40other.t?='],
  ['an @ behind half a character of Windows', '=?big5?q?ceo=C6=A4=A4=40other.t?='],
  ['an @ that is half a character of a user', '=?shift_jis?q?ceo=F0=40other.t?='],
  ['an @ that is katakana behind an escape that RFC 1468 has not', '=?iso-2022-jp?q?=1B(ICEO=40OTHER.T=1B(B?='],
  ['a broken escape', '=?utf-8?q?a=4?='],
  ['an escape that is no hexadecimal', '=?utf-8?q?a=ZZ?='],
  ['8-bit characters inside', '=?utf-8?q?ö?='],
  ['broken base64', '=?utf-8?b?PGNlb0B$?='],
  ['base64 without its padding', '=?utf-8?b?YQ?='],
  ['base64 after its padding', '=?utf-8?b?YQ==YQ==?='],
  ['no end', '=?utf-8?q?ceo=40other.t'],
  ['a second beginning', '=?utf-8?q?a?= =?utf-8?q?b'],
  ['an encoded-word in an encoded-word', `=?utf-8?b?${base64('=?utf-8?q?ceo=40other.t?=')}?=`],
])('text is not decoded where programs may differ: %s', (_name, text) => {
  expect(decodeWords(text)).toBeUndefined()
})

test('thousands of encoded-words are read in linear time', () => {
  const took = cpuMs(() => {
    expect(decodeWords('=?utf-8?q?a?= '.repeat(8000).trim())).toBe('a'.repeat(8000))
    decodeWords('=?'.repeat(50_000))
    decodeWords('=?a?q?'.repeat(16_000))
    decodeWords(`=?utf-8?q?${' '.repeat(100_000)}`)
  })
  expect(took).toBeLessThan(500)
})
