/** A From or Sender in a folded line of another field, which software that trims lines would show, is malformed (case M06). */
import { expect, test } from 'vitest'
import { base64, inAudit, MAL, message, ruleOf } from './headers.ts'

test.each([
  ['a folded From in another field', 'X: y\r\n From: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded From that is folded itself', 'X: y\r\n From: The CEO\r\n <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded From of one word that is folded', 'X: y\r\n From: CEO\r\n <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded Sender with all of it on the next line', 'X: y\r\n Sender:\r\n\tceo@other.t\r\nFrom: <app@corp.t>'],
  [
    'a folded From behind a list of names',
    'X: h=\r\n from:to;\r\n b=a\r\n From:\r\n ceo@other.t\r\nFrom: <app@corp.t>',
  ],
  ['a folded From with a colon', 'X: y\r\n From: "CEO: x" <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded From with two colons', 'X: y\r\n From::<ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded From with a semicolon', 'X: y\r\n\tFrom: ;ceo@other.t\r\nFrom: <app@corp.t>'],
  ['a folded From behind a word and a semicolon', 'X: y\r\n From: x; <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded From that looks like a tag', 'X: y\r\n From: to; b=<ceo@other.t>\r\nFrom: <app@corp.t>'],
  [
    'case M06: a folded From that looks like a tag, its address in an encoded-word',
    'X: y\r\n From: to; b==?utf-8?q?=3Cceo=40other.t=3E?=\r\nFrom: <app@corp.t>',
  ],
  ['a folded From behind a no-break space', 'X: y\r\n \u00a0From: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded Sender behind ideographic spaces', 'X: y\r\n\t\u3000\u3000 Sender:ceo@other.t\r\nFrom: <app@corp.t>'],
  ['a folded From behind a byte order mark', 'X: y\r\n \ufeffFrom: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['a folded From with a thin space before its colon', 'X: y\r\n From\u2009: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  [
    'case M06: a folded From whose address is in an encoded-word',
    `X: y\r\n From: =?utf-8?b?${base64('<ceo@other.t>')}?=\r\nFrom: <app@corp.t>`,
  ],
  [
    'case M06: a folded From whose encoded address is folded, too',
    'X: y\r\n From: =?utf-8?q?ceo=40?=\r\n =?utf-8?q?other=2Et?=\r\nFrom: <app@corp.t>',
  ],
  [
    'case M06: a folded From in an encoding that nobody knows',
    'X: y\r\n Sender: =?x?q?ceo=40other.t?=\r\nFrom: <app@corp.t>',
  ],
  ['case M06: a folded From with a fullwidth @', 'X: y\r\n From: ceo\uff20other.t\r\nFrom: <app@corp.t>'],
  [
    'case M06: a From with an encoded address where a long line is folded',
    `X: ${'y'.repeat(995)}From: =?utf-8?q?ceo=40other.t?=\r\nFrom: <app@corp.t>`,
  ],
  ['a From behind NEL and a no-break space', 'X: y\u0085\u00a0From: <ceo@other.t>\r\nFrom: <app@corp.t>'],
  ['case M06: a From where a long line is folded', `X: ${'y'.repeat(995)}From: ceo@other.t\r\nFrom: <app@corp.t>`],
  [
    'case M06: a Sender in a long line, its address in the next one',
    `X: y\r\n ${'y'.repeat(980)} Sender: The CEO\r\n <ceo@other.t>\r\nFrom: <app@corp.t>`,
  ],
])('a header with a From or Sender where a line is folded is refused, in Audit too: %s', (_name, from) => {
  expect(ruleOf(message(from))).toBe(MAL)
  expect(ruleOf(message(from), inAudit)).toBe(MAL)
})

test.each([
  'b=a ceo@other.t',
  'b=a, ceo@other.t',
  'b=a; ceo@other.t',
  'b= ceo@other.t',
  'b=a:ceo@other.t;',
  'b="a"ceo@other.t',
])('case M06: a folded From that looks like a list of names is malformed where an address stands beside its tags: %s', (tags) => {
  expect(ruleOf(message(`X: y\r\n From: to; ${tags}\r\nFrom: <app@corp.t>`))).toBe(MAL)
})
