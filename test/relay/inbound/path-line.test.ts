/** The lines of MAIL and RCPT and the parameters of MAIL are read as RFC 5321 says, and take no time, whatever is in them. */
import { expect, test } from 'vitest'
import { readMailParameters } from '../../../relay/inbound/parameters.ts'
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
  [{ RET: 'FULL' }, says(555)],
  [{ ENVID: 'x' }, says(555)],
  [{ REQUIRETLS: '' }, says(555)],
  [{ CONSTRUCTOR: 'x' }, says(555)],
] as const)('the parameters of MAIL are read, or refused: %j', (given, expected) => {
  expect(parameters(given)).toMatchObject(expected)
})
