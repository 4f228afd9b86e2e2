/** Whether the domains of the reverse-path and of From are aligned, strictly or by organization (RFC 7489 section 3.1). */
import { expect, test } from 'vitest'
import { aligned } from '../../../relay/rules/alignment.ts'

test.each([
  ['example.org', 'example.org', true, true],
  ['Example.ORG', 'example.org', true, true],
  ['bounce.example.org', 'example.org', false, true],
  ['a.example.org', 'b.example.org', false, true],
  ['example.org', 'example.com', false, false],
  ['evilexample.org', 'example.org', false, false],
  ['a.co.uk', 'b.co.uk', false, false],
  ['x.a.co.uk', 'a.co.uk', false, true],
  ['one.github.io', 'two.github.io', false, false],
  ['x.one.github.io', 'one.github.io', false, true],
  ['co.uk', 'github.io', false, false],
  ['sub.corp.t', 'corp.t', false, true],
  ['', 'corp.t', false, false],
])('%s and %s are aligned strictly: %s, by organization: %s', (reverse, from, strict, organizational) => {
  expect([aligned('Strict', reverse, from), aligned('Organizational', reverse, from)]).toEqual([strict, organizational])
})
