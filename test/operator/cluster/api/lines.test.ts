/** A stream of chunks gives the same lines wherever it is cut. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lines } from '../../../../operator/cluster/api/lines.ts'

const linesOf = (chunks: readonly Buffer[], limit = 1000): readonly string[] => {
  const lines = new Lines(limit)
  return chunks.flatMap((chunk) => lines.push(chunk))
}

test.each<[string, readonly string[], readonly string[]]>([
  ['one line in one chunk', ['a\n'], ['a']],
  ['two lines in one chunk', ['a\nb\n'], ['a', 'b']],
  ['a line in pieces', ['a', 'b', 'c\n'], ['abc']],
  ['a beginning of a line that ends in the next chunk', ['a\nb', 'c\n'], ['a', 'bc']],
  ['a last line without an end, which is left out', ['a\nb'], ['a']],
  ['empty lines, which are left out', ['\n \n\r\na\n'], ['a']],
])('%s', (_name, chunks, expected) => {
  expect(linesOf(chunks.map((c) => Buffer.from(c)))).toEqual(expected)
})

test('a stream that is cut anywhere, even within a character, gives the same lines', () => {
  const text = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !s.includes('\n') && s.trim() !== ''),
  )
  fc.assert(
    fc.property(text, fc.array(fc.nat()), (expected, cuts) => {
      const whole = Buffer.from(expected.map((line) => `${line}\n`).join(''))
      const at = [0, ...cuts.map((c) => c % (whole.length + 1)).toSorted((a, b) => a - b), whole.length]
      const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end))
      expect(linesOf(chunks, 10_000)).toEqual(expected)
    }),
  )
})

test('a line that grows beyond the limit is refused before it ends', () => {
  expect(() => linesOf([Buffer.alloc(5, 'a'), Buffer.alloc(6, 'a')], 10)).toThrow(RangeError)
})
