/** The octets of DATA are decoded as RFC 5321 section 4.5.2 says, however they are cut into segments. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DataEncoder } from '../../../relay/delivery/data-encoder.ts'
import { DataDecoder } from '../../../relay/inbound/data-decoder.ts'
import { liveBytes } from '../live-memory.ts'

/** The content, and what came behind its end. */
function decode(chunks: readonly string[]): { content: string; rest: string | undefined } {
  const decoder = new DataDecoder()
  let content = ''
  let rest: string | undefined
  for (const chunk of chunks.map((c) => Buffer.from(c, 'latin1'))) {
    if (rest !== undefined) {
      rest += chunk.toString('latin1')
      continue
    }
    const decoded = decoder.take(chunk)
    content += decoded.content.toString('latin1')
    rest = decoded.rest?.toString('latin1')
  }
  return { content, rest }
}

test.each([
  ['no line at all', '.\r\n', '', ''],
  ['one line', 'a\r\n.\r\n', 'a\r\n', ''],
  ['a dot that was put before a dot', 'a\r\n..\r\n.\r\n', 'a\r\n.\r\n', ''],
  ['a dot that was put before a dot, on the first line', '..\r\n.\r\n', '.\r\n', ''],
  ['a dot before other characters', 'a\r\n.b\r\n.\r\n', 'a\r\nb\r\n', ''],
  ['a dot before other characters, on the first line', '.b\r\n.\r\n', 'b\r\n', ''],
  ['three dots', '...\r\n.\r\n', '..\r\n', ''],
  ['dots elsewhere', 'a.\r\nb.c\r\n.\r\n', 'a.\r\nb.c\r\n', ''],
  ['a command behind the end', 'a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n'],
  ['two ends', '.\r\n.\r\n', '', '.\r\n'],
  // Other servers take these for the end of data (cases P01 and P07); here they are content.
  ['LF dot LF', 'a\n.\nb\r\n.\r\n', 'a\n.\nb\r\n', ''],
  ['LF dot CR LF', 'a\n.\r\nb\r\n.\r\n', 'a\n.\r\nb\r\n', ''],
  ['CR dot CR', 'a\r.\rb\r\n.\r\n', 'a\r.\rb\r\n', ''],
  ['CR LF dot LF', 'a\r\n.\nb\r\n.\r\n', 'a\r\n\nb\r\n', ''],
  ['CR LF dot CR', 'a\r\n.\rb\r\n.\r\n', 'a\r\n\rb\r\n', ''],
  ['CR LF dot CR CR LF', 'a\r\n.\r\r\n.\r\n', 'a\r\n\r\r\n', ''],
  ['CR CR LF dot CR LF', 'a\r\r\n.\r\n', 'a\r\r\n', ''],
  ['LF dot dot', 'a\n..\r\n.\r\n', 'a\n..\r\n', ''],
  ['LF first', '\n.\r\n.\r\n', '\n.\r\n', ''],
  ['NUL before the dot (case P05)', 'a\r\n\0.\r\n.\r\n', 'a\r\n\0.\r\n', ''],
])('the content of DATA and its end are found: %s', (_name, wire, content, rest) => {
  expect(decode([wire])).toEqual({ content, rest })
  expect(decode([...wire])).toEqual({ content, rest })
  for (let cut = 1; cut < wire.length; cut++) {
    expect(decode([wire.slice(0, cut), wire.slice(cut)])).toEqual({ content, rest })
  }
})

test('of data whose end has not come all is given but what may belong to the end', () => {
  expect(decode(['a\r\n.\r'])).toEqual({ content: 'a', rest: undefined })
  expect(decode(['', 'ab', '', 'c\r'])).toEqual({ content: 'abc', rest: undefined })
})

test('a decoder keeps nothing in memory of the content that it has given, however much came at once (case R15)', () => {
  const decoders = Array.from({ length: 100 }, () => new DataDecoder())
  const begin = liveBytes()
  for (const decoder of decoders) decoder.take(Buffer.concat([Buffer.alloc(64 * 1024, 'x'), Buffer.from('\r\n.')]))
  expect(liveBytes() - begin).toBeLessThan(1_000_000)
  expect(decoders.map((decoder) => decoder.take(Buffer.from('\r\nQUIT')).rest?.toString())).toEqual(
    Array(100).fill('QUIT'),
  )
})

const seed = 20_260_105
const cuts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 })
/** Cuts the octets into pieces of these lengths, over and over, until nothing is left. */
function cut(wire: string, lengths: readonly number[]): readonly string[] {
  const chunks: string[] = []
  for (let at = 0, i = 0; at < wire.length; i++) {
    const length = lengths[i % lengths.length] ?? 1
    chunks.push(wire.slice(at, at + length))
    at += length
  }
  return chunks
}

test('case P11: 40,000 canonical messages come out as they went in, in segments of 1 to 4 octets', () => {
  const body = fc.array(fc.constantFrom('\r\n', '.', 'a'), { maxLength: 20 }).map((pieces) => `${pieces.join('')}\r\n`)
  fc.assert(
    fc.property(body, cuts, (content, lengths) => {
      const encoder = new DataEncoder()
      const wire = Buffer.concat([encoder.encode(Buffer.from(content)), encoder.end()]).toString('latin1')
      expect(decode(cut(wire, lengths))).toEqual({ content, rest: '' })
    }),
    { numRuns: 40_000, seed },
  )
})

test('any octets have the same content and the same end, however they are cut', () => {
  const octets = fc.array(fc.constantFrom('\r', '\n', '\r\n', '.', 'a', '\0'), { maxLength: 20 }).map((o) => o.join(''))
  fc.assert(
    fc.property(octets, cuts, (wire, lengths) => {
      const [ended, ...others] = `\r\n${wire}`.split('\r\n.\r\n')
      const rest = others.length === 0 ? undefined : others.join('\r\n.\r\n')
      const found = decode(cut(wire, lengths))
      expect(found.rest).toBe(rest)
      if (rest !== undefined) expect(found.content).toBe(`${ended}\r\n`.replaceAll('\r\n.', '\r\n').slice(2))
    }),
    { numRuns: 10_000, seed },
  )
})
