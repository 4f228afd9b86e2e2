/** What each mode of `recipients` makes of a message. */
import { expect, test } from 'vitest'
import { comparableForwardPath, dispositionOf } from '../../../relay/inbound/disposition.ts'

const named = ['a@elsewhere.example', 'b@elsewhere.example']
const open = { domains: [], addresses: [] }

test.each([
  ['Unrestricted', { ...open, mode: 'Unrestricted' }, { disposition: 'relay', forwardPaths: named }],
  ['AllowList', { ...open, mode: 'AllowList' }, { disposition: 'relay', forwardPaths: named }],
  ['Capture', { ...open, mode: 'Capture' }, { disposition: 'capture', forwardPaths: named }],
  [
    'Redirect',
    { ...open, mode: 'Redirect', redirectTo: 'qa@corp.example' },
    { disposition: 'relay', forwardPaths: ['qa@corp.example'], redirectedFrom: named },
  ],
  ['Redirect to nobody', { ...open, mode: 'Redirect' }, { disposition: 'capture', forwardPaths: named }],
] as const)('%s', (_name, recipients, expected) => {
  expect(dispositionOf(recipients, named)).toEqual(expected)
})

test.each([
  ['a@b.example', 'a@B.EXAMPLE', true],
  ['a@bücher.example', 'a@xn--bcher-kva.example', true],
  ['"a"@b.example', 'a@b.example', true],
  ['"a\\ b"@b.example', '"a b"@b.example', true],
  ['a@b.example', 'A@b.example', false],
  ['a@b.example', 'a@c.example', false],
  ['"x@y"@b.example', '"x@Y"@b.example', false],
] as const)('%s and %s are one mailbox: %s', (a, b, same) => {
  expect(comparableForwardPath(a) === comparableForwardPath(b)).toBe(same)
})
