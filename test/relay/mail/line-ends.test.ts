/** Where line ends are normalised each CR or LF that stands alone becomes CR LF, whatever the chunks in which it came. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineEnds } from '../../../relay/mail/line-ends.ts'
import { beforeContent, scan } from '../../../relay/mail/newlines.ts'

function normalise(chunks: readonly string[]): string {
  const lineEnds = new LineEnds()
  return Buffer.concat(chunks.map((c) => lineEnds.take(Buffer.from(c, 'latin1')))).toString('latin1')
}

test.each([
  ['whole lines', 'a\r\nb\r\n', 'a\r\nb\r\n'],
  ['LF alone', 'a\nb\r\n', 'a\r\nb\r\n'],
  ['CR alone', 'a\rb\r\n', 'a\r\nb\r\n'],
  ['LF first', '\na\r\n', '\r\na\r\n'],
  ['two LF', 'a\n\nb\r\n', 'a\r\n\r\nb\r\n'],
  ['CR CR LF, which is one whose LF was made CR LF', 'a\r\r\nb\r\r\n', 'a\r\nb\r\n'],
  ['CR before CR CR LF', 'a\r\r\r\n', 'a\r\n\r\n'],
  ['many CR', `${'\r'.repeat(7)}b\r\n`, `${'\r\n'.repeat(7)}b\r\n`],
  ['CR LF behind CR CR LF', 'a\r\r\n\r\n', 'a\r\n\r\n'],
  ['LF CR', 'a\n\rb\r\n', 'a\r\n\r\nb\r\n'],
  ['eight bits and NUL', '\xe9\0\n\r\n', '\xe9\0\r\n\r\n'],
])('line ends are made CR LF: %s', (_name, content, expected) => {
  expect(normalise([content])).toBe(expected)
  expect(normalise([...content])).toBe(expected)
})

test('a chunk whose line ends are in order is not copied', () => {
  const chunk = Buffer.from('a\r\nb\r\n')
  expect(new LineEnds().take(chunk)).toBe(chunk)
})

test('no CR or LF stands alone afterwards, and lines stay what they were', () => {
  const octet = fc.constantFrom('\r', '\n', '\r\n', 'a', '.', '\0')
  fc.assert(
    fc.property(fc.array(fc.string({ unit: octet, maxLength: 6 }), { maxLength: 8 }), (chunks) => {
      // A content ends with CR LF, since only that ends it.
      const given = normalise([...chunks, 'z\r\n'])
      expect(scan(beforeContent, Buffer.from(given, 'latin1')).bare).toBe(false)
      expect(given.split('\r\n')).toEqual(`${chunks.join('')}z\r\n`.split(/\r?\r?\n|\r/))
    }),
    { numRuns: 5_000 },
  )
})
