/** A content is judged the same, and comes out the same, whatever the chunks in which it came. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Content } from '../../../relay/inbound/content.ts'
import { Held, type HeldShare } from '../../../relay/inbound/held.ts'
import { refusal } from '../../../relay/mail/rule.ts'
import { liveBytes } from '../live-memory.ts'

const fine = { audited: [], fromDomain: 'corp.example' }

/** Passes a content through: what came out of it, the rule that refused it, and the header that was judged. */
function pass(chunks: readonly Buffer[], messageBytes = 1_000_000, verdict = fine) {
  const judged: string[] = []
  const content = new Content({ messageBytes, bareNewlines: 'Reject' }, new Held().of('a'), (header) => {
    judged.push(header.toString('latin1'))
    return { header: [header], verdict }
  })
  const out: Buffer[] = []
  for (const chunk of chunks) {
    content.take(chunk)
    const octets = content.release()
    if (octets) out.push(octets)
  }
  out.push(content.end())
  return { out: Buffer.concat(out), rule: content.refusal?.rule, judged, pieces: out.length, content }
}

const cut = (whole: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size))

test('the header is judged once, without the body, and nothing of the content is lost', () => {
  const header = 'From: <a@corp.example>\r\nSubject: x\r\n\r\n'
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(5), (size, lines) => {
      const whole = Buffer.from(header + 'body\r\n\r\n'.repeat(lines))
      const { out, rule, judged } = pass(cut(whole, size))
      expect(out.equals(whole)).toBe(true)
      expect(rule).toBeUndefined()
      expect(judged).toEqual([header])
    }),
  )
})

test('the header that the judge returns goes on in the place of the one that came, whatever the chunks were', () => {
  const whole = Buffer.from('Bcc: x\r\nFrom: y\r\n\r\nbody\r\n')
  for (const size of [1, 5, 1_000]) {
    const content = new Content({ messageBytes: 1_000_000, bareNewlines: 'Reject' }, new Held().of('a'), (header) => ({
      header: [header.subarray(8)],
      verdict: fine,
    }))
    for (const chunk of cut(whole, size)) content.take(chunk)
    expect(content.end().toString()).toBe('From: y\r\n\r\nbody\r\n')
  }
})

test('a content without a blank line is all header', () => {
  expect(pass([Buffer.from('From: <a@corp.example>\r\n')]).judged).toEqual(['From: <a@corp.example>\r\n'])
})

test('a content that begins with its blank line has an empty header', () => {
  const whole = Buffer.from('\r\nFrom: <a@corp.example>\r\n\r\nbody\r\n')
  for (const size of [1, 2, 3, 1_000]) expect(pass(cut(whole, size)).judged).toEqual(['\r\n'])
})

test('a long content goes on in pieces of 64 KiB at least, and is not held', () => {
  const whole = Buffer.concat([Buffer.from('From: <a@corp.example>\r\n\r\n'), Buffer.alloc(900_000, 'x')])
  const { out, pieces } = pass(cut(whole, 1_000))
  expect(out.equals(whole)).toBe(true)
  expect(pieces).toBeGreaterThan(12)
  expect(pieces).toBeLessThan(15)
})

test.each([
  ['bare newlines before everything else', `a\n\0${'x'.repeat(200)}`, 'listeners.bareNewlines'],
  ['NUL before size', `a\0${'x'.repeat(200)}`, 'always.nul'],
  ['size before the verdict on the header', `a: b\r\n\r\n${'x'.repeat(200)}`, 'admission.limits.messageSize'],
  ['the verdict on the header', 'a: b\r\n\r\n', 'always.hops'],
] as const)('the gravest fault wins, however the octets came: %s', (_name, text, rule) => {
  const verdict = { ...fine, refusal: refusal('always.hops') }
  for (const size of [1, 2, 7, 1_000]) {
    expect(pass(cut(Buffer.from(text, 'latin1'), size), 100, verdict).rule).toBe(rule)
  }
})

test('a header of 100 KiB passes to the judge, one octet more does not', () => {
  const header = (octets: number): Buffer => Buffer.from(`X: ${'x'.repeat(octets - 7)}\r\n\r\n`)
  for (const size of [1_000, 200_000]) {
    expect(pass(cut(header(102_400), size)).rule).toBeUndefined()
    expect(pass(cut(header(102_401), size)).rule).toBe('always.headerSize')
    expect(pass(cut(Buffer.alloc(300_000, 'x'), size)).rule).toBe('always.headerSize')
  }
})

test('a content of exactly the size limit passes, and one octet more does not', () => {
  const of = (octets: number): Buffer => Buffer.from(`X: y\r\n\r\n${'x'.repeat(octets - 8)}`)
  expect(pass([of(100)], 100).rule).toBeUndefined()
  expect(pass([of(101)], 100).rule).toBe('admission.limits.messageSize')
})

test('after a fault nothing of a content is held, and nothing is released', () => {
  const content = new Content({ messageBytes: 1_000_000, bareNewlines: 'Reject' }, new Held().of('a'), (header) => ({
    header: [header],
    verdict: fine,
  }))
  content.take(Buffer.from('X: y\r\n\r\n'))
  content.take(Buffer.from('\0'))
  content.take(Buffer.alloc(100_000, 'x'))
  expect(content.release()).toBeUndefined()
  expect(content.end()).toHaveLength(0)

  const refused = new Content({ messageBytes: 1_000_000, bareNewlines: 'Reject' }, new Held().of('a'), (header) => ({
    header: [header],
    verdict: { ...fine, refusal: refusal('always.hops') },
  }))
  refused.take(Buffer.concat([Buffer.from('X: y\r\n\r\n'), Buffer.alloc(100_000, 'x')]))
  expect(refused.release()).toBeUndefined()
})

const held = (octets: number, all: HeldShare, begin = 'X: y\r\n\r\n'): Content => {
  const content = new Content({ messageBytes: 1_000_000, bareNewlines: 'Reject' }, all, (header) => ({
    header: [header],
    verdict: fine,
  }))
  content.take(Buffer.concat([Buffer.from(begin), Buffer.alloc(octets, 'x')]))
  return content
}
/** Contents that together hold so much that each may hold less. */
const many = (all: HeldShare): Content[] => Array.from({ length: 257 }, () => held(64 * 1024 - 8, all))

test('while all contents together hold much, each goes on in pieces of 16 KiB (case R15)', () => {
  const all = new Held().of('a')
  const others = many(all)
  expect(held(16 * 1024, all).release()).toHaveLength(16 * 1024 + 8)
  for (const other of others) expect(other.release()).toHaveLength(64 * 1024)
  expect(held(16 * 1024, all).release()).toBeUndefined()
})

test('while all contents together hold much, a header above 16 KiB is refused for now, and nothing of it is held (case R15)', () => {
  const all = new Held().of('a')
  const others = many(all)
  const [small, large] = [held(16 * 1024 - 3, all, 'X: '), held(16 * 1024, all, 'X: ')]
  expect(small.refusal).toBeUndefined()
  expect(large.refusal).toMatchObject({ rule: 'always.memory', reply: { code: 451, status: '4.3.1' } })
  expect(large.end()).toHaveLength(0)
  for (const content of [...others, small]) content.letGo()
  expect(all.most()).toBe(64 * 1024)
  expect(held(90_000, all, 'X: ').refusal).toBeUndefined()
})

test('a credential whose contents hold little may send a large header while those of another one hold much (case R15)', () => {
  const all = new Held()
  const flood = many(all.of('a'))
  expect(held(90_000, all.of('b'), 'X: ').refusal).toBeUndefined()
  expect(held(90_000, all.of('a'), 'X: ').refusal?.rule).toBe('always.memory')
  // Beyond an equal share `b` is one of those that hold much.
  const others = Array.from({ length: 100 }, () => held(60_000, all.of('b'), 'X: '))
  expect(others.filter(({ refusal }) => refusal)).not.toHaveLength(0)
  expect(others.filter(({ refusal }) => !refusal).length).toBeGreaterThan(60)
  for (const content of [...flood, ...others]) content.letGo()
})

test.each([
  ['is refused', (content: Content) => content.take(Buffer.from('\0'))],
  ['ends', (content: Content) => void content.end()],
  ['is given up', (content: Content) => content.letGo()],
])('a content that %s no longer counts among what all contents hold (case R15)', (_what, finish) => {
  const all = new Held().of('a')
  for (const content of [...many(all), held(60_000, all, 'X: ')]) finish(content)
  expect(all.isMuch()).toBe(false)
  many(all)
  expect(all.isMuch()).toBe(true)
})

test('octets beyond ASCII are noticed', () => {
  expect(pass([Buffer.from('X: y\r\n\r\nabc')]).content.eightBit).toBe(false)
  expect(pass([Buffer.from('X: y\r\n\r\naéc')]).content.eightBit).toBe(true)
})

test('a header of 100 KiB that comes octet by octet is not joined anew at each octet', () => {
  const header = Buffer.from(`X: ${'x'.repeat(102_393)}\r\n\r\n`)
  const before = process.cpuUsage()
  expect(pass(cut(header, 1)).rule).toBeUndefined()
  // Joining would copy, and look through, five gigabytes.
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(1500)
})

test.each([
  ['a header', 'X: '],
  ['a content', 'X: y\r\n\r\n'],
])('%s that comes octet by octet takes no more memory than its octets (case R15)', (_what, begin) => {
  const content = new Content({ messageBytes: 1_000_000, bareNewlines: 'Reject' }, new Held().of('a'), (header) => ({
    header: [header],
    verdict: fine,
  }))
  content.take(Buffer.from(begin))
  const before = liveBytes()
  // As TLS hands out its records: each has memory of its own.
  for (let n = 0; n < 60_000; n += 1) content.take(Buffer.allocUnsafeSlow(1).fill('x'))
  expect(liveBytes() - before).toBeLessThan(1_000_000)
  expect(content.end()).toHaveLength(60_000 + begin.length)
})

test('a header that went to the spool is not kept in memory, however long its content is on its way (case R15)', () => {
  const begin = liveBytes()
  const contents = Array.from({ length: 100 }, () =>
    held(70_000, new Held().of('a'), `X: ${'y'.repeat(90_000)}\r\n\r\n`),
  )
  for (const content of contents) expect(content.release()).toHaveLength(160_007)
  expect(liveBytes() - begin).toBeLessThan(1_000_000)
  expect(contents.every(({ refusal }) => refusal === undefined)).toBe(true)
})

test('nothing of a content that is refused is kept in memory (case R15)', () => {
  const begin = liveBytes()
  const refused = Array.from({ length: 100 }, () => held(120_000, new Held().of('a'), 'X: '))
  expect(liveBytes() - begin).toBeLessThan(1_000_000)
  expect(refused.every(({ refusal }) => refusal?.rule === 'always.headerSize')).toBe(true)
})
