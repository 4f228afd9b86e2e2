/** A reply has lines of at most 512 octets (RFC 5321 section 4.5.3.1.5), and no text in it ends one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replyLines } from '../../../relay/inbound/reply-lines.ts'
import { reply } from '../../../relay/mail/reply.ts'

test('a short reply is one line, and nothing in it ends a line', () => {
  expect(replyLines(reply(250, '0.0', 'OK'))).toBe('250 2.0.0 OK\r\n')
  expect(replyLines(reply(250, '0.0', ''))).toBe('250 2.0.0 \r\n')
  expect(replyLines(reply(550, '7.1', 'a\r\n250 b\0\x85'))).toBe('550 5.7.1 a  250 b  \r\n')
})

test('a long reply has lines of at most 512 octets, which together are its text', () => {
  const words = fc.array(fc.stringMatching(/^[!-~]{1,700}$/), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(words, (given) => {
      const lines = replyLines(reply(451, '7.5', given.join(' '))).split('\r\n')
      expect(lines.pop()).toBe('')
      expect(lines.filter((line) => line.length > 510)).toEqual([])
      expect(lines.map((line) => line.slice(3, 4)).join('')).toBe(`${'-'.repeat(lines.length - 1)} `)
      expect(lines.every((line) => line.startsWith('451') && line.slice(4, 10) === '4.7.5 ')).toBe(true)
      const plain = (text: string): string => text.replaceAll(' ', '')
      expect(plain(lines.map((line) => line.slice(10)).join(''))).toBe(plain(given.join('')))
    }),
  )
})
