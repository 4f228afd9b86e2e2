/** A header beyond its limits of hops, fields and octets is refused, and whatever is in a header, it is judged at once. */
import { expect, test } from 'vitest'
import { judgeHeader } from '../../../relay/rules/content.ts'
import { leastCpuMs } from '../../cpu-time.ts'
import { block, ruleOf, submission } from './headers.ts'

test.each([
  ['case M32: 50 hops', 'Received: x', 50, undefined],
  ['case M32: 51 hops', 'Received: x', 51, 'always.hops'],
  ['51 hops in upper case', 'RECEIVED: x', 51, 'always.hops'],
  ['case M33: 1000 fields', 'X: y', 999, undefined],
  ['case M33: 1001 fields', 'X: y', 1000, 'always.headerSize'],
])('a header within the limits is accepted, and one beyond them refused: %s', (_name, field, times, rule) => {
  expect(ruleOf(block('From: app@corp.t', ...Array<string>(times).fill(field)))).toBe(rule)
})

test('case M33: 100 KiB pass, and not an octet more', () => {
  const sized = (octets: number) => {
    const start = 'From: app@corp.t\r\nX: '
    return block(start + 'y'.repeat(octets - start.length - 4))
  }
  expect(sized(102_400)).toHaveLength(102_400)
  expect(ruleOf(sized(102_400))).toBeUndefined()
  expect(ruleOf(sized(102_401))).toBe('always.headerSize')
})

const times = (text: string, octets = 100_000) => text.repeat(Math.floor(octets / Buffer.byteLength(text)))
test.each([
  ['groups', `From: ${times('a:;')}`],
  ['spaces in a fold', `From: app@corp.t\r\nX: y\r\n${times(' ')}z`],
  ['spaces after a folded From', `From: app@corp.t\r\nX: y\r\n from${times(' ')}z`],
  ['folded lines', `From: app@corp.t\r\nX: y${times('\r\n z')}`],
  ['folded From without an address', `From: app@corp.t\r\nX: y${times('\r\n from:')}`],
  ['folded From of two words without an address', `From: app@corp.t\r\nX: y${times('\r\n from: a b')}`],
  ['folded names that go on', `From: app@corp.t\r\nX: y${times('\r\n from:a:')}@`],
  ['folded names with tags', `From: app@corp.t\r\nX: y${times('\r\n from:a; b=')}@`],
  ['folded lists with an address', `From: app@corp.t\r\nX: y\r\n from:${times('a:')}@`],
  ['folded words with an address', `From: app@corp.t\r\nX: y\r\n from:${times('a')}@`],
  ['folded spaces with an address', `From: app@corp.t\r\nX: y${times('\r\n from: : : ')}@`],
  ['spaces behind a tag behind a folded From', `From: app@corp.t\r\nX: y\r\n from:a; b=${times(' ')}a@`],
  ['tags behind a folded From', `From: app@corp.t\r\nX: y\r\n from:a${times('; b=a')}"@`],
  [
    'encoded-words behind a folded From',
    `From: app@corp.t\r\nX: y\r\n from: ${times('=?utf-8?q?=C3?==?utf-8?q?=A9?=.')}`,
  ],
  ['names in a long line', `From: app@corp.t\r\nX: ${times('from:')}@`],
  ['names with tags in a long line', `From: app@corp.t\r\nX: ${times('from:a; b=')}<@`],
  ['words in a long line', `From: app@corp.t\r\nX: from:${times('a')}@`],
  ['spaces in a long line', `From: app@corp.t\r\nX: from:a${times(' ')}@`],
  ['names behind Unicode line breaks', `From: app@corp.t\r\nX: ${times('\u0085from\u0085')}`],
  ['Unicode line breaks', `From: app@corp.t\r\nX: ${times('\u2028')}from\u2028`],
  ['the control character NEL', `From: app@corp.t\r\nX: ${times('\u0085 ')}`],
  ['Resent-From', `From: app@corp.t${times('\r\nResent-From: a@corp.t', 24_000)}`],
  ['@ in a name', `From: "${times('@')}" <app@corp.t>`],
  ['@ after a letter in a name', `From: "a${times('@')}" <app@corp.t>`],
  ['@ and dots in a name', `From: "${times('a @...')}" <app@corp.t>`],
  ['its own address in a name', `From: "${times('app@corp.t ')}" <app@corp.t>`],
  ['encoded-words with an @', `From: ${times('=?utf-8?q?=40?= ')}<app@corp.t>`],
  ['apostrophes in a name', `From: "a@${times("'")}" <app@corp.t>`],
  ['apostrophes and @ in a name', `From: "a${times("'@")}" <app@corp.t>`],
  ['encoded-words', `From: ${times('=?utf-8?q?a?= ')}<app@corp.t>`],
  ['encoded-words that are not of their charset', `From: "${times('=?gbk?q?=81?=.')}" <app@corp.t>`],
  [
    'encoded-words that only together are of their charset',
    `From: "${times('=?gbk?q?=81?==?gbk?q?=81?=.')}" <app@corp.t>`,
  ],
  [
    'halves of characters in the encoded-words of many fields',
    `From: app@corp.t${times('\r\nResent-From: =?gbk?q?=81?==?gbk?q?=81?= =?x?q?a?= <app@corp.t>', 60_000)}`,
  ],
  ['encoded-words in a charset that nobody knows', `From: "${times('=?x?q?a?=.')}" <app@corp.t>`],
  ['beginnings of encoded-words', `From: ${times('=?a?q?')} <app@corp.t>`],
  ['encoded-words that nobody can read', `From: ${times('=?x?q?a?= =?y?q?a?= ')}<app@corp.t>`],
  [
    'characters that are split between encoded-words',
    `From: ${times('=?utf-8?q?=C3?= =?utf-8?q?=A9?= a ')}<app@corp.t>`,
  ],
  ['question marks', `From: ${times('=?')} <app@corp.t>`],
  ['invisible characters in a name', `From: "${times('@\u200b')}" <app@corp.t>`],
  ['Unicode in a name', `From: "${times('ﷺ')}" <app@corp.t>`],
  ['Unicode that becomes many words before an @', `From: "\u2800${times(',ﷺ')}a@" <app@corp.t>`],
  ['Unicode that becomes one word before an @', `From: =?utf-8?q?a?= "\u2800${times('㌖')}a@" <app@corp.t>`],
  ['colons', times(':')],
  ['a field name', `From: app@corp.t\r\n${times('x')}: y`],
])('cases M19 and M33: 100 KB of %s are judged in less than 50 ms', (_name, lines) => {
  const header = block(lines)
  expect(leastCpuMs(3, () => judgeHeader(submission, header))).toBeLessThan(50)
})
