/** Each mode of `recipients` in a policy relays, redirects or captures a message. */
import { expect, test } from 'vitest'
import { dispositionOf } from '../../../relay/inbound/disposition.ts'

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
] as const)('a message goes where `recipients` of the policy says: %s', (_name, recipients, expected) => {
  expect(dispositionOf(recipients, named)).toEqual(expected)
})
