/** What a message needs of a smarthost is said in MAIL where that offers it, and is else a reason to return it (case U21). */
import { expect, test } from 'vitest'
import { deliver, without } from './one-message.ts'
import { hello } from './samples.ts'
import { everything } from './smarthost.ts'

const eightBit = Buffer.from('Subject: x\r\n\r\nna\xefve\r\n', 'latin1')
const utf8Header = Buffer.from('Subject: n\u00e4h\r\n\r\nx\r\n', 'utf8')
test.each([
  ['8-bit content and no 8BITMIME', without('8BITMIME'), {}, eightBit, '5.6.3'],
  [
    'a UTF-8 recipient and no SMTPUTF8',
    without('SMTPUTF8'),
    { forwardPaths: ['j\u00f6rg@x.test'], smtpUtf8: true },
    hello,
    '5.6.7',
  ],
  [
    'a UTF-8 reverse-path and no SMTPUTF8',
    without('SMTPUTF8'),
    { reversePath: 'j\u00f6rg@x.test', smtpUtf8: true },
    hello,
    '5.6.7',
  ],
  ['a UTF-8 header and no SMTPUTF8', without('SMTPUTF8'), { smtpUtf8: true }, utf8Header, '5.6.9'],
  ['a SIZE that is too small', ['PIPELINING', '8BITMIME', 'SIZE 64'], {}, hello, '5.3.4'],
  ['CR LF in the reverse-path', everything, { reversePath: 'a@x.test>\r\nDATA\r\n' }, hello, '5.1.3'],
  ['CR LF in an address', everything, { forwardPaths: ['a@x.test>\r\nDATA\r\n'] }, hello, '5.1.3'],
] as const)('case U21: with %s a message is returned, and MAIL is not sent', async (_name, offers, rest, content, status) => {
  const { outcomes, upstream, message } = await deliver({ offers }, rest, content)
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { status } }])
  expect(upstream.lines.filter((line) => line.startsWith('MAIL') && line.includes(message.reversePath))).toEqual([])
})

test('case U21: one UTF-8 recipient does not keep the others from their mail', async () => {
  const forwardPaths = ['j\u00f6rg@x.test', 'anna@x.test']
  const { outcomes, received } = await deliver({ offers: without('SMTPUTF8') }, { forwardPaths, smtpUtf8: true })
  expect(outcomes.map((o) => o.kind)).toEqual(['bounced', 'delivered'])
  expect(received.map((r) => r.rcpt)).toEqual([['RCPT TO:<anna@x.test>']])
})

test('case U21: an address with a U-label is an ASCII address, and a smarthost without SMTPUTF8 takes it as that', async () => {
  const forwardPaths = ['anna@b\u00fccher.test', 'j\u00f6rg@b\u00fccher.test']
  const envelope = { forwardPaths, reversePath: 'app@b\u00fccher.test', smtpUtf8: true }
  const { outcomes, received } = await deliver({ offers: without('SMTPUTF8') }, envelope)
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered', 'bounced'])
  expect(received[0]?.mail).toMatch(/^MAIL FROM:<app@xn--bcher-kva\.test>(?!.*SMTPUTF8)/)
  expect(received.map((r) => r.rcpt)).toEqual([['RCPT TO:<anna@xn--bcher-kva.test>']])
})

test.each([
  ['8-bit content', eightBit, {}, ' BODY=8BITMIME'],
  ['a client that said 8BITMIME', hello, { body: '8BITMIME' }, ' BODY=8BITMIME'],
  ['a UTF-8 recipient', hello, { forwardPaths: ['j\u00f6rg@x.test'], smtpUtf8: true }, ' SMTPUTF8'],
  ['a recipient with a U-label', hello, { forwardPaths: ['anna@b\u00fccher.test'], smtpUtf8: true }, ' SMTPUTF8'],
  ['SMTPUTF8 that nothing needs', hello, { smtpUtf8: true }, ''],
] as const)('parameters of MAIL for %s', async (_name, content, rest, parameters) => {
  const { received } = await deliver({}, rest, content)
  expect(received[0]?.mail).toBe(`MAIL FROM:<app@corp.test> SIZE=${content.length}${parameters}`)
  expect(received[0]?.content.equals(content)).toBe(true)
})

test('8BITMIME that the content does not need is no reason to return it', async () => {
  const { outcomes, received } = await deliver({ offers: without('8BITMIME') }, { body: '8BITMIME' })
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
  expect(received[0]?.mail).not.toContain('BODY')
})

test.each([
  ['SIZE', 'SIZE'],
  ['SIZE 0', 'SIZE 0'],
  ['exactly its size', `SIZE ${hello.length}`],
])('a smarthost that offers %s takes the message (RFC 1870)', async (_name, size) => {
  const { outcomes, received } = await deliver({ offers: ['PIPELINING', size] })
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
  expect(received[0]?.mail).toContain(` SIZE=${hello.length}`)
})

test.each([
  [['SIZE 1000000', 'SIZE 10']],
  [['SIZE 10', 'SIZE 1000000']],
  [['SIZE', 'SIZE 10']],
  [['SIZE 10', 'SIZE 0']],
])('case U21: a smarthost that contradicts itself about its limit, by %j, is asked by MAIL before mail is returned', async (sizes) => {
  const { outcomes, received } = await deliver({ offers: ['PIPELINING', ...sizes] })
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
  expect(received[0]?.mail).toContain(` SIZE=${hello.length}`)
})

test('case U21: the largest of the limits that a smarthost tells is one: a message that is larger is returned', async () => {
  const { outcomes } = await deliver({ offers: ['PIPELINING', 'SIZE 20', 'SIZE 64', 'SIZE 10'] })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { status: '5.3.4' } }])
})

test.each([
  [['SIZE 10M']],
  [['SIZE 10', 'SIZE 10M']],
  [['SIZE 10M', 'SIZE 10']],
])('case U21: no message is returned by a limit that is not understood: %j', async (sizes) => {
  const { outcomes, received } = await deliver({ offers: ['PIPELINING', ...sizes] })
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
  expect(received[0]?.mail).not.toContain('SIZE')
})
