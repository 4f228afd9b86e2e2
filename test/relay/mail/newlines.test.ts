/** Bare newlines and NULs in a content are seen, whatever the chunks in which it comes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { beforeContent, scan } from '../../../relay/mail/newlines.ts'

const scanAll = (chunks: readonly string[]) => chunks.map((c) => Buffer.from(c, 'latin1')).reduce(scan, beforeContent)

test.each([
  ['nothing', [''], false],
  ['whole lines', ['a\r\nb\r\n'], false],
  ['CR LF across chunks', ['a\r', '\nb\r\n'], false],
  ['an empty chunk between CR and LF', ['a\r', '', '\nb\r\n'], false],
  ['only CR LF', ['\r\n\r\n'], false],
  ['LF alone', ['a\nb\r\n'], true],
  ['LF first', ['\nb\r\n'], true],
  ['LF first in a later chunk', ['a', '\nb\r\n'], true],
  ['CR alone', ['a\rb\r\n'], true],
  ['CR last in a chunk and no LF in the next', ['a\r', 'b\r\n'], true],
  ['two CR', ['a\r\r\n'], true],
  ['two CR across chunks', ['a\r', '\r\n'], true],
  ['LF CR', ['a\n\r'], true],
] as const)('a bare newline is seen where there is one: %s', (_name, chunks, bare) => {
  expect(scanAll(chunks).bare).toBe(bare)
})

test('a CR at the very end is waiting for its LF', () => {
  expect(scanAll(['a\r'])).toEqual({ bare: false, nul: false, afterCr: true })
})

test('NUL is seen in any chunk', () => {
  expect(scanAll(['a\r\n', 'b\0c']).nul).toBe(true)
  expect(scanAll(['a\r\n', 'bc']).nul).toBe(false)
})

test('the scanner agrees with the definition of a bare newline for all contents and all ways to cut them', () => {
  const octet = fc.constantFrom('\r', '\n', '\r\n', 'a', '.', '\0')
  fc.assert(
    fc.property(fc.array(fc.string({ unit: octet, maxLength: 6 }), { maxLength: 8 }), (chunks) => {
      const whole = chunks.join('')
      const found = scanAll(chunks)
      // A final CR may still get its LF. Take every CR LF away: what is left of them is bare.
      const left = whole.replace(/\r$/, '').replace(/\r\n/g, '')
      expect(found.bare).toBe(/[\r\n]/.test(left))
      expect(found.nul).toBe(whole.includes('\0'))
    }),
    { numRuns: 5_000 },
  )
})
