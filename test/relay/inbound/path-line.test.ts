/** The lines of MAIL and RCPT and the parameters of MAIL are read as RFC 5321 says, and take no time, whatever is in them. */
import { expect, test } from 'vitest'
import { readMailParameters, readRcptParameters } from '../../../relay/inbound/parameters.ts'
import { pathIn, readPathLine } from '../../../relay/inbound/path-line.ts'

/** The octets of a line, one character for each. */
const octetsOf = (line: string): string => Buffer.from(line).toString('latin1')
const read = (line: string) => readPathLine(line.startsWith('RCPT') ? 'RCPT' : 'MAIL', octetsOf(line))
const path = (text: string, parameters: Readonly<Record<string, string>> = {}) => ({
  kind: 'path',
  path: text,
  parameters: new Map(Object.entries(parameters)),
})
const refused = { kind: 'refused', refusal: { reply: { code: 501, status: '5.5.4' } } }

test.each([
  ['MAIL FROM:<a@b.example>', path('a@b.example')],
  ['MAIL FROM:<>', path('')],
  ['mail from:<a@b.example>', { kind: 'path', path: 'a@b.example' }],
  ['MAIL FROM: <a@b.example> ', path('a@b.example')],
  ['MAIL FROM:\t<a@b.example>\t', path('a@b.example')],
  ['RCPT TO: \t<a@b.example> \t', path('a@b.example')],
  ['MAIL FROM:<a@b.example>\tSIZE=1 \tBODY=8BITMIME\t', path('a@b.example', { SIZE: '1', BODY: '8BITMIME' })],
  ['MAIL FROM:<a@b.example> SIZE=\t1', refused],
  ['MAIL FROM:<"a > b"@b.example> SIZE=1', path('"a > b"@b.example', { SIZE: '1' })],
  ['MAIL FROM:<"a\\"b"@b.example>', path('"a\\"b"@b.example')],
  ['MAIL FROM:<a@b.example> size=1  body=8BITMIME', path('a@b.example', { SIZE: '1', BODY: '8BITMIME' })],
  ['MAIL FROM:<a@b.example> AUTH=<>', path('a@b.example', { AUTH: '<>' })],
  ['RCPT TO:<a@b.example>', path('a@b.example')],
  ['RCPT TO:a@b.example', refused],
  ['RCPT FROM:<a@b.example>', refused],
  ['MAIL FROM:<a@b.example', refused],
  ['MAIL FROM:a@b.example>', refused],
  ['MAIL FROM:<<a@b.example>>', refused],
  ['MAIL FROM:<a@b.example>SIZE=1', refused],
  ['MAIL FROM:<a@b.example> SIZE=1 size=2', refused],
  ['MAIL FROM:<a@b.example> =1', refused],
  ['MAIL FROM:<a@b.example> -X', refused],
  ['MAIL FROM:<a@b.example> SIZE=1=2', refused],
  ['MAIL FROM:<a@b.example> ENVID=a+0D+0Ab', refused],
  ['MAIL', refused],
] as const)('its path and parameters are read, or the line is refused: %s', (line, expected) => {
  expect(read(line)).toMatchObject(expected)
})

test('octets that are no UTF-8 are no path', () => {
  expect(readPathLine('MAIL', 'MAIL FROM:<\xe9@b.example>')).toMatchObject(refused)
})

test.each([
  '\u2028',
  '\u2029',
  '\t\u2028',
  'X\u2029',
  '"',
  '\u0000',
])('a line that ends with 2,000 spaces and %j is refused within 50 ms (case R15)', (end) => {
  const began = performance.now()
  for (const verb of ['MAIL FROM', 'RCPT TO']) {
    const before = `${verb}:<x@corp.example>`
    expect(read(before + ' '.repeat(2_046 - Buffer.byteLength(before + end)) + end)).toMatchObject(refused)
  }
  expect(performance.now() - began).toBeLessThan(50)
})

test.each([
  '<',
  '<>',
  '>',
  '<"',
])('the path in a line of nothing but %j is looked for a hundred times within 50 ms (case R15)', (part) => {
  const line = `MAIL FROM:${part.repeat(2_036 / part.length)}`
  const began = performance.now()
  for (let n = 0; n < 100; n++) pathIn(line)
  expect(performance.now() - began).toBeLessThan(50)
})

test('the path that is told of a refused line is all between its first and its last bracket', () => {
  const lines = [
    'MAIL FROM:<a@b.example> SIZE=1',
    'RCPT TO:<<a>>',
    'MAIL FROM:<>',
    'MAIL FROM:a@b.example',
    'RCPT TO:>a<',
  ]
  const named = ['a@b.example', '<a>', '', undefined, undefined]
  expect(lines.map((line) => pathIn(octetsOf(line)))).toEqual(named)
})

const parameters = (given: Readonly<Record<string, string>>) => readMailParameters(new Map(Object.entries(given)))
const says = (code: number) => ({ kind: 'refused', refusal: { reply: { code, status: '5.5.4' } } })

test.each([
  [{}, { parameters: { size: 0, body: '7BIT', smtpUtf8: false } }],
  [{ SIZE: '0' }, { parameters: { size: 0 } }],
  [{ SIZE: '18446744073709551616' }, { parameters: { size: 2 ** 64 } }],
  [{ SIZE: '99999999999999999999' }, { parameters: { size: 1e20 } }],
  [{ SIZE: '100000000000000000000' }, says(501)],
  [{ SIZE: '' }, says(501)],
  [{ SIZE: '-1' }, says(501)],
  [{ SIZE: '1e3' }, says(501)],
  [{ BODY: '8bitmime' }, { parameters: { body: '8BITMIME' } }],
  [{ BODY: 'BINARYMIME' }, says(501)],
  [{ BODY: 'constructor' }, says(501)],
  [{ SMTPUTF8: '' }, { parameters: { smtpUtf8: true } }],
  [{ SMTPUTF8: '1' }, says(501)],
  [{ AUTH: '<>' }, { kind: 'parameters' }],
  [{ AUTH: '' }, says(501)],
  [{ RET: 'full' }, { parameters: { ret: 'FULL' } }],
  [{ RET: 'HDRS', ENVID: 'a+20b+2B' }, { parameters: { ret: 'HDRS', envid: 'a+20b+2B' } }],
  [{ RET: '' }, says(501)],
  [{ RET: 'BOTH' }, says(501)],
  [{ RET: 'constructor' }, says(501)],
  [{ ENVID: '' }, says(501)],
  [{ ENVID: 'a'.repeat(100) }, { parameters: { envid: 'a'.repeat(100) } }],
  [{ ENVID: 'a'.repeat(101) }, says(501)],
  [{ ENVID: 'a+C3+A9' }, says(501)],
  [{ ENVID: 'a+7F' }, says(501)],
  [{ ENVID: 'a+2b' }, says(501)],
  [{ NOTIFY: 'NEVER' }, says(555)],
  [{ REQUIRETLS: '' }, says(555)],
  [{ CONSTRUCTOR: 'x' }, says(555)],
] as const)('the parameters of MAIL are read, or refused: %j', (given, expected) => {
  expect(parameters(given)).toMatchObject(expected)
})

const asked = (given: Readonly<Record<string, string>>) => readRcptParameters(new Map(Object.entries(given)))
const longest = `rfc822;${'a'.repeat(493)}`

test.each([
  [{}, { kind: 'parameters', parameters: {} }],
  [{ NOTIFY: 'never' }, { parameters: { notify: ['NEVER'] } }],
  [{ NOTIFY: 'Success,FAILURE,delay' }, { parameters: { notify: ['SUCCESS', 'FAILURE', 'DELAY'] } }],
  [{ NOTIFY: '' }, says(501)],
  [{ NOTIFY: 'ALWAYS' }, says(501)],
  [{ NOTIFY: 'NEVER,FAILURE' }, says(501)],
  [{ NOTIFY: 'FAILURE,' }, says(501)],
  [{ NOTIFY: 'FAILURE,FAILURE' }, { parameters: { notify: ['FAILURE'] } }],
  [{ ORCPT: 'rfc822;user+2Btag@a.example' }, { parameters: { orcpt: 'rfc822;user+2Btag@a.example' } }],
  [{ ORCPT: 'X400;/S=a/'.replace('=', '+3D') }, { parameters: { orcpt: 'X400;/S+3Da/' } }],
  [{ ORCPT: 'x_y!z;A' }, { parameters: { orcpt: 'x_y!z;A' } }],
  [{ ORCPT: 'a b;c' }, says(501)],
  [{ ORCPT: 'user@a.example' }, says(501)],
  [{ ORCPT: 'rfc822;' }, says(501)],
  [{ ORCPT: ';a@b.example' }, says(501)],
  [{ ORCPT: 'rfc822;a=b' }, says(501)],
  [{ ORCPT: 'rfc822;a+7f' }, says(501)],
  [{ ORCPT: 'rfc822;j\u00f6rg@a.example' }, says(501)],
  [{ ORCPT: 'utf-8;j\u00f6rg@a.example' }, { parameters: { orcpt: 'utf-8;j\\x{F6}rg@a.example' } }],
  [{ ORCPT: 'UTF-8;\\x{1F4E7}@a.example' }, { parameters: { orcpt: 'UTF-8;\\x{1F4E7}@a.example' } }],
  ...['20', '2B', '3D', '5C', '7F', '80', 'FFF', 'D7FF', 'E000', 'FFFF', '10000', '10FFFF'].map(
    (point) => [{ ORCPT: `utf-8;a\\x{${point}}b` }, { parameters: { orcpt: `utf-8;a\\x{${point}}b` } }] as const,
  ),
  // RFC 6533 section 3: a character that stands for itself, half of a pair, none of Unicode, a zero in front.
  ...['0A', '41', '7E', 'D800', 'DFFF', '110000', 'FFFFFF', '0E9', 'E'].map(
    (point) => [{ ORCPT: `utf-8;a\\x{${point}}b` }, says(501)] as const,
  ),
  [{ ORCPT: 'utf-8;a\\b@a.example' }, says(501)],
  [{ ORCPT: 'utf-8;a\u0085b@a.example' }, { parameters: { orcpt: 'utf-8;a\\x{85}b@a.example' } }],
  [{ ORCPT: longest }, { parameters: { orcpt: longest } }],
  [{ ORCPT: `${longest}a` }, says(501)],
  [{ SIZE: '1' }, says(555)],
  [{ CONSTRUCTOR: 'x' }, says(555)],
] as const)('the parameters of RCPT are read, or refused: %j', (given, expected) => {
  expect(asked(given)).toMatchObject(expected)
})
