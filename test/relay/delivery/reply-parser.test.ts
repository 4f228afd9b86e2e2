/** The replies of a next hop are read whole or found malformed, however they are cut, and take little memory. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Answer, brief, replyOf } from '../../../relay/delivery/answer.ts'
import { ReplyParser } from '../../../relay/delivery/reply-parser.ts'
import { Wire } from '../../../relay/delivery/wire.ts'
import { until } from '../../local/until.ts'
import { liveBytes } from '../live-memory.ts'
import { allWithin } from './rig.ts'

const parse = (...chunks: readonly string[]): Answer[] => {
  const parser = new ReplyParser()
  const answers: Answer[] = []
  for (const chunk of chunks) {
    parser.push(Buffer.from(chunk, 'latin1'))
    for (let a = parser.next(); a !== undefined && answers.at(-1)?.kind !== 'none'; a = parser.next()) answers.push(a)
  }
  return answers
}
const reply = (code: number, ...lines: string[]) => ({ kind: 'reply', reply: { code, lines } })

test.each([
  ['one line', '250 ok\r\n', [reply(250, 'ok')]],
  ['no text', '250\r\n', [reply(250, '')]],
  ['an empty text', '250 \r\n', [reply(250, '')]],
  ['several lines', '250-a\r\n250-b\r\n250 c\r\n', [reply(250, 'a', 'b', 'c')]],
  ['a last line without text', '250-a\r\n250\r\n', [reply(250, 'a', '')]],
  ['two replies in one segment', '250 a\r\n550 b\r\n', [reply(250, 'a'), reply(550, 'b')]],
  [
    'case U02: a greeting that ends in a refusal, as of postscreen',
    '220-a\r\n220-b\r\n521-c\r\n521 d\r\n',
    [reply(521, 'c', 'd')],
  ],
  ['no end yet', '250 ok', []],
  ['a continuation without its end', '250-a\r\n', []],
] as const)('replies are read: %s', (_name, text, expected) => {
  expect(parse(text)).toEqual(expected)
})

test.each([
  ['case U11: no code', 'OK\r\n'],
  ['case U11: an empty line', '\r\n'],
  ['case U11: a code out of range', '999 x\r\n'],
  ['a preliminary code', '150 x\r\n'],
  ['a code of two digits', '25 ok\r\n'],
  ['a code of four digits', '2500 ok\r\n'],
  ['another separator', '250_ok\r\n'],
  ['a bare LF', '250 ok\n'],
  ['a bare CR inside', '250 o\rk\r\n'],
  ['two codes in one reply', '250-a\r\n550 b\r\n'],
  ['two codes in one reply, of which none refuses', '220-a\r\n250 b\r\n'],
  ['a letter in the code', '2x0 ok\r\n'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'],
  ['case U19: a line without end', `250 ${'x'.repeat(5000)}`],
  ['case U19: a line too long', `250 ${'x'.repeat(5000)}\r\n`],
  ['case U19: lines without end', '250-x\r\n'.repeat(1000)],
])('a reply is malformed: %s', (_name, text) => {
  expect(parse(text).at(-1)).toMatchObject({ kind: 'none', cause: 'malformed' })
})

test.each([
  ['of many lines', () => `${`450-4.2.1 ${'x'.repeat(2000)}\r\n`.repeat(127)}450 4.2.1 later\r\n`],
  ['with much behind it', () => `450 4.2.1 ${'x'.repeat(20)}\r\n${'y'.repeat(250_000)}`],
])('of a reply %s no more is kept in memory than the text that is shown of it (case U19)', (_how, text) => {
  const before = liveBytes()
  const kept = Array.from({ length: 100 }, () => parse(text())[0]).map((a) => a?.kind === 'reply' && replyOf(a.reply))
  expect(liveBytes() - before).toBeLessThan(2_000_000)
  expect(kept).toMatchObject(kept.map(() => ({ text: expect.stringMatching(/^x{20}/) })))
})

const long = (code: number): string => `${`${code}-2.1.5 ${'x'.repeat(2000)}\r\n`.repeat(127)}${code} 2.1.5 ok\r\n`
test.each([
  ['of which each short one comes together with a long one', `250 2.1.5 recipient ok\r\n${long(450)}`, 25],
  ['that are all long', long(250), 50],
])('of replies to the recipients of one transaction %s no more is kept than may be told (case U19)', async (_how, each, times) => {
  const peer = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const wire = new Wire(peer as Socket, allWithin(60_000))
  onTestFinished(() => wire.destroy('the test is over'))
  const before = liveBytes()
  void wire.exchange('RCPT', Array(51).fill('RCPT'))
  for (let time = 0; time < times; time++) {
    peer.push(Buffer.from(each))
    await until('it was read', () => peer.readableLength === 0)
  }
  expect(wire.broken).toBeUndefined()
  expect(liveBytes() - before).toBeLessThan(1_000_000)
})

test('what is told of a reply is the same when the rest of its text is forgotten', () => {
  const text = fc.stringMatching(/^[ab@<> ]{0,40}( \(#5\.1\.1\))?$/)
  const status = fc.constantFrom('', '', '', '4.2.1 ', '#5.1.1 ')
  const line = fc
    .tuple(status, text, fc.integer({ min: 1, max: 60 }))
    .map(([first, some, times]) => `${first}${some.repeat(times)}`.slice(0, 2043))
  const lines = fc.array(line, { minLength: 1, maxLength: 128 })
  fc.assert(
    fc.property(fc.constantFrom(250, 450, 550), lines, (code, all) => {
      const kept = brief({ kind: 'reply', reply: { code, lines: all } })
      expect(kept.kind === 'reply' && replyOf(kept.reply)).toEqual(replyOf({ code, lines: all }))
      const octets = kept.kind === 'reply' ? kept.reply.lines.join('').length : 0
      expect(octets).toBeLessThanOrEqual(2000 + 3 * 2043)
    }),
  )
})

test('a long text is cut before an address, not within one, since half an address would not be known as one', () => {
  const { text } = replyOf({ code: 550, lines: [`5.1.1 ${'word '.repeat(98)}<bob.smith@x.test>: no`] })
  expect(text).toMatch(/ word <$/)
  expect(parse(`none ${'word '.repeat(18)}bob.smith@x.test\r\n`).at(-1)).toMatchObject({
    why: expect.stringMatching(/word "$/),
  })
  expect(replyOf({ code: 550, lines: [`5.1.1 ${'x'.repeat(600)}`] }).text).toHaveLength(500)
})

test('what a refusal is quoted with is what came: lines joined by spaces, and a question mark for what is no printable ASCII', () => {
  const octet = fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0, max: 0xff }))
  const line = fc
    .array(octet, { maxLength: 60 })
    .map((octets) => String.fromCharCode(...octets).replace(/[\r\n@%]/g, ''))
  const lines = fc.array(line, { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 599 }), lines, (code, texts) => {
      const wire = texts.map((text, i) => `${code}${i < texts.length - 1 ? '-' : ' '}${text}`)
      const [answer] = parse(`${wire.join('\r\n')}\r\n`)
      const said = answer?.kind === 'reply' ? replyOf(answer.reply).said : undefined
      expect(said).toBe(
        wire
          .join(' ')
          .replace(/[^ -~]/g, '?')
          .trimEnd(),
      )
    }),
  )
  expect(replyOf({ code: 550, lines: ['x'.repeat(600)] }).said).toHaveLength(500)
  expect(replyOf({ code: 250, lines: ['ok'] })).not.toHaveProperty('said')
})

test('replies are the same however they are cut into segments', () => {
  const line = fc.stringMatching(/^[ -~]{0,20}$/)
  const one = fc.tuple(fc.integer({ min: 200, max: 599 }), fc.array(line, { minLength: 1, maxLength: 4 }))
  fc.assert(
    fc.property(
      fc.array(one, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (all, sizes) => {
        const text = all
          .map(([code, lines]) => lines.map((l, i) => `${code}${i === lines.length - 1 ? ' ' : '-'}${l}\r\n`).join(''))
          .join('')
        const chunks: string[] = []
        for (let at = 0, i = 0; at < text.length; i++) {
          const size = sizes[i % sizes.length] ?? 1
          chunks.push(text.slice(at, at + size))
          at += size
        }
        expect(parse(...chunks)).toEqual(all.map(([code, lines]) => reply(code, ...lines)))
      },
    ),
  )
})

test('the parser is idle only where no next reply has begun', () => {
  const parser = new ReplyParser()
  expect(parser.idle).toBe(true)
  parser.push(Buffer.from('250 a\r\n2'))
  parser.next()
  expect(parser.idle).toBe(false)
  parser.push(Buffer.from('50-b\r\n'))
  expect(parser.next()).toBeUndefined()
  expect(parser.idle).toBe(false)
})
