/** A header is read into fields in the one way in which all programs read it, or it is refused. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { headerEnd, parseHeader } from '../../../relay/mail/header.ts'

const block = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)

test.each([
  ['after the blank line', 'A: b\r\n\r\nbody', 8],
  ['an empty header', '\r\n\r\nFrom: x', 2],
  ['no blank line yet', 'A: b\r\n', -1],
  ['half of the blank line', 'A: b\r\n\r', -1],
  ['two bare LFs, which are no blank line', 'A: b\n\nbody', -1],
  ['the first of two blank lines', 'A: b\r\n\r\n\r\n\r\n', 8],
  ['nothing', '', -1],
])('where a header ends is found: %s', (_name, content, end) => {
  expect(headerEnd(Buffer.from(content))).toBe(end)
})

test('a field is read with its name in lower case, its value unfolded, and where it begins and ends', () => {
  const octets = block('Subject: a', '  b\t', '\tc  ', 'X-Empty:', 'To:\tJörg <j@x.t>', 'X: a:b')
  const header = parseHeader(octets)
  expect(header).toMatchObject({
    ok: true,
    fields: [
      { name: 'subject', value: 'a  b\t\tc', start: 0 },
      { name: 'x-empty', value: '' },
      { name: 'to', value: 'Jörg <j@x.t>' },
      { name: 'x', value: 'a:b' },
    ],
  })
  const cut = header.ok ? header.fields.map((f) => octets.subarray(f.start, f.end).toString()) : []
  expect(cut).toEqual(['Subject: a\r\n  b\t\r\n\tc  \r\n', 'X-Empty:\r\n', 'To:\tJörg <j@x.t>\r\n', 'X: a:b\r\n'])
})

test.each([
  ['no blank line at the end', 'A: b\r\n', 1],
  ['only a blank line', '\r\n', 0],
  ['nothing', '', 0],
  ['a value on the next line', 'A:\r\n b\r\n\r\n', 1],
  ['a value that is not UTF-8', Buffer.from('A: \xe9\r\n\r\n', 'latin1'), 1],
  ['a value that ends in the octet A0', 'A: à\r\n\r\n', 1],
  ['a folded DKIM-Signature that names from', 'DKIM-Signature: v=1; h=\r\n from:to:subject; i=@corp.t\r\n\r\n', 1],
  ['a folded Received', 'Received: by a\r\n from b@c\r\n\r\n', 1],
  ['NEL, and no From after it', 'A: b\u0085\r\n\r\n', 1],
  ['a long line with a From that has no address', `A: ${'b'.repeat(2000)}From: ceo\r\n\r\n`, 1],
  ['a long DKIM-Signature', `DKIM-Signature: v=1; i=@corp.t; h=from:to; b=${'b'.repeat(1000)}\r\n\r\n`, 1],
  ['a From in a line of 980 octets', `A: ${'b'.repeat(964)}From: ceo@x.t\r\n\r\n`, 1],
  [
    'every octet that a name may have, but round and angle brackets',
    '!#$%&\'*+-.^_`|~09AZaz",/;=?@[\\]{}: x\r\n\r\n',
    1,
  ],
])('what is a header is read: %s', (_name, octets, count) => {
  const header = parseHeader(Buffer.from(octets))
  expect(header).toMatchObject({ ok: true })
  expect(header.ok && header.fields).toHaveLength(count)
})

test.each([
  ['NUL', 'A: b\0\r\n\r\n'],
  ['bare LF', 'A: b\nFrom: ceo@other.t\r\n\r\n'],
  ['bare CR', 'A: b\rFrom: ceo@other.t\r\n\r\n'],
  ['CR CR LF', 'A: b\r\r\nC: d\r\n\r\n'],
  ['CR at the end', 'A: b\r\n\r\n\r'],
  ['LF before CR', 'A: b\n\r\n\r\n'],
  ['vertical tab', 'A: b\x0bFrom: ceo@other.t\r\n\r\n'],
  ['form feed', 'A: b\x0cFrom: ceo@other.t\r\n\r\n'],
  ['a file separator', 'A: b\x1cFrom: ceo@other.t\r\n\r\n'],
  ['NEL', 'A: b\u0085From: ceo@other.t\r\n\r\n'],
  ['a Unicode line separator', 'A: b\u2028From: ceo@other.t\r\n\r\n'],
  ['NEL and a no-break space in latin1', Buffer.from('A: b\x85\xa0From: ceo@other.t\r\n\r\n', 'latin1')],
  ['a Unicode paragraph separator and an ideographic space', 'A: b\u2029\u3000from\u3000: ceo@other.t\r\n\r\n'],
  ['NEL in latin1', Buffer.from('A: b\x85 Sender : ceo@other.t\r\n\r\n', 'latin1')],
  ['DEL', 'A: \x7f\r\n\r\n'],
  ['case M06: a folded first line', ' From: app@corp.t\r\nFrom: ceo@other.t\r\n\r\n'],
  ['a tab before the first field', '\tFrom: app@corp.t\r\n\r\n'],
  ['a space before the colon', 'From : app@corp.t\r\n\r\n'],
  ['a tab before the colon', 'From\t: app@corp.t\r\n\r\n'],
  ['a fold before the colon', 'From\r\n : app@corp.t\r\n\r\n'],
  ['an octet above 127 in the name', Buffer.from('From\xa0: app@corp.t\r\n\r\n', 'latin1')],
  ['UTF-8 in the name', 'Fröm: app@corp.t\r\n\r\n'],
  ['an empty name', ': app@corp.t\r\n\r\n'],
  ['a bracket before the name', '>From: app@corp.t\r\n\r\n'],
  ['a bracket behind the name', 'From): app@corp.t\r\n\r\n'],
  ['a line without a colon', 'A: b\r\nhello\r\n\r\n'],
  ['a first line without a colon', 'hello\r\nA: b\r\n\r\n'],
  ['an mbox line', 'From app@corp.t Mon Nov 23 12:00:00 2026\r\nA: b\r\n\r\n'],
  ['a quoted mbox line', '>From app@corp.t\r\nA: b\r\n\r\n'],
  ['a folded line of white space', 'A: b\r\n \r\nFrom: app@corp.t\r\n\r\n'],
  ['a folded line of white space at the end', 'A: b\r\n\t\r\n\r\n'],
  ['white space as the last octets', 'A: b\r\n  '],
  ['a folded line that looks like a From', 'A: b\r\n From: <ceo@other.t>\r\n\r\n'],
  ['a folded line that looks like a Sender', 'A: b\r\n\tsEnDeR \t: "x" ceo@other.t\r\n\r\n'],
  ['a folded line that looks like a Resent-From', 'A: b\r\n resent-from:ceo@other.t\r\n\r\n'],
  ['a body', 'A: b\r\n\r\nFrom: x\r\n'],
  ['a second blank line', 'A: b\r\n\r\n\r\n'],
  ['a body after an empty header', '\r\nFrom: app@corp.t\r\n'],
  ['no CRLF at the end', 'A: b\r\nC: d'],
])('what is no header is refused: %s', (_name, octets) => {
  expect(parseHeader(Buffer.from(octets))).toEqual({ ok: false, why: expect.any(String) })
})

test('a refused header is told with what a person can mend', () => {
  expect(parseHeader(Buffer.from('A: b\r\nhello\r\nC: d\r\n\r\n'))).toEqual({
    ok: false,
    why: 'a line without a colon',
  })
})

const name = fc.stringMatching(/^[!-'*-9;=?-~]{1,20}$/)
const text = fc.stringMatching(/^[!-~]([ \t!-~]{0,40}[!-~])?$/)
const folded = fc.array(text, { minLength: 1, maxLength: 4 })

test('fields that are written by the grammar are read back as they were', () => {
  const looksLikeIdentity = (parts: readonly string[]) =>
    parts.slice(1).some((p) => /^(resent-)?(from|sender)/i.test(p))
  const fields = fc.array(
    fc.tuple(
      name,
      folded.filter((parts) => !looksLikeIdentity(parts)),
    ),
  )
  fc.assert(
    fc.property(fields, (written) => {
      const octets = Buffer.from(`${written.map(([n, parts]) => `${n}: ${parts.join('\r\n ')}\r\n`).join('')}\r\n`)
      const header = parseHeader(octets)
      const read = header.ok ? header.fields.map((f) => [f.name, f.value]) : header
      expect(read).toEqual(written.map(([n, parts]) => [n.toLowerCase(), parts.join(' ')]))
    }),
  )
})

test('the fields of a header are all of it, octet for octet', () => {
  const line = fc.constantFrom('From: a', 'A:', ' b', '\t', '', ' From: a@b', 'x', 'É: é', 'S: é\u0085', ':')
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('', '\r\n'), (lines, end) => {
      const octets = Buffer.from(lines.map((l) => `${l}\r\n`).join('') + end)
      const header = parseHeader(octets)
      if (!header.ok) return
      const joined = Buffer.concat(header.fields.map((f) => octets.subarray(f.start, f.end)))
      expect([octets.toString(), octets.subarray(0, -2).toString()]).toContain(joined.toString())
    }),
    { numRuns: 2000 },
  )
})
