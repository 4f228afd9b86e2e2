/** Content is encoded for DATA with its dots stuffed, and never holds what could be taken for an early end of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ContentError, DataEncoder } from '../../../relay/delivery/data-encoder.ts'

const encode = (...chunks: readonly string[]): string => {
  const encoder = new DataEncoder()
  const encoded = chunks.map((chunk) => encoder.encode(Buffer.from(chunk, 'latin1')))
  return Buffer.concat([...encoded, encoder.end()]).toString('latin1')
}

test.each([
  ['nothing to stuff', 'a\r\n', 'a\r\n.\r\n'],
  ['a dot at the beginning', '.\r\n', '..\r\n.\r\n'],
  ["a dot at a line's beginning", 'a\r\n.b\r\n', 'a\r\n..b\r\n.\r\n'],
  ['an end of data inside', 'a\r\n.\r\nMAIL FROM:<x@y>\r\n', 'a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n'],
  ['dots elsewhere', 'a.b\r\nc.\r\n', 'a.b\r\nc.\r\n.\r\n'],
  ['two dots', '..\r\n', '...\r\n.\r\n'],
  ['no line end at the end', 'a', 'a\r\n.\r\n'],
  ['empty content', '', '.\r\n'],
  ['eight bits', '\xe9\r\n', '\xe9\r\n.\r\n'],
])('content is encoded for DATA: %s', (_name, content, expected) => {
  expect(encode(content)).toBe(expected)
  expect(encode(...content)).toBe(expected)
})

test.each([
  ['a bare LF', 'a\nb\r\n'],
  ['a bare LF first', '\n'],
  ['a bare CR', 'a\rb\r\n'],
  ['a bare CR at the end', 'a\r'],
  ['CR CR LF', 'a\r\r\n'],
  ['a bare CR before a tab', 'a\r\tb\r\n'],
  ['NUL', 'a\0b\r\n'],
  ['LF dot LF', 'a\n.\nMAIL FROM:<x@y>\r\n'],
])('content with %s is refused, however it is cut into chunks', (_name, content) => {
  expect(() => encode(content)).toThrow(ContentError)
  expect(() => encode(...content)).toThrow(ContentError)
})

test('unstuffing gives the content back, whatever the chunks', () => {
  const piece = fc.constantFrom('\r\n', '.', 'a')
  fc.assert(
    fc.property(
      fc.array(
        fc.array(piece, { maxLength: 6 }).map((p) => p.join('')),
        { maxLength: 8 },
      ),
      (chunks) => {
        const wire = encode(...chunks)
        expect(wire.endsWith('\r\n.\r\n') || wire === '.\r\n').toBe(true)
        const lines = wire.slice(0, -3).split('\r\n')
        expect(lines).not.toContain('.')
        const content = chunks.join('')
        const ended = content === '' || content.endsWith('\r\n') ? content : `${content}\r\n`
        expect(lines.map((line) => line.replace(/^\./, '')).join('\r\n')).toBe(ended)
      },
    ),
    { numRuns: 500 },
  )
})

test('a chunk that needs no stuffing is not copied', () => {
  const chunk = Buffer.from('plain\r\n')
  expect(new DataEncoder().encode(chunk)).toBe(chunk)
})
