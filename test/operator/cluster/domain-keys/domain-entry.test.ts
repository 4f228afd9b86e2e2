/** What is known of the keys of a SenderDomain follows what is declared of it. */
import { expect, test } from 'vitest'
import { entriesOf } from '../../../../operator/cluster/domain-keys/domain-entry.ts'
import type { DeclaredObject } from '../../../../operator/cluster/watch/declared.ts'

const managed = { mode: 'Managed', algorithms: ['RSA2048'], selectorPrefix: 'rf' }
const spec = { domain: 'shop.test', environment: 'NonProduction', dkim: managed, dns: { publisher: 'Manual' } }

const declared = (changes: object): readonly DeclaredObject[] => [
  {
    ref: 'SenderDomain shop/main',
    uid: 'u1',
    is: 'valid',
    resource: { kind: 'SenderDomain', namespace: 'shop', name: 'main', spec: { ...spec, ...changes } },
    status: {},
  } as unknown as DeclaredObject,
]

test.each([
  ['environment', 'Production'],
  ['dkim', { ...managed, selectorPrefix: 'shop' }],
  ['dns', { publisher: 'CNAME', targetZone: 'keys.test' }],
] as const)('a domain whose spec.%s is another one now is looked at by that', (field, value) => {
  const before = entriesOf(declared({}), new Map())
  const now = entriesOf(declared({ [field]: value }), before).get('shop/main')
  expect(now).toMatchObject({ [field]: value })
})

test('a domain that is declared as before stays the very same entry, with what is known of it', () => {
  const before = entriesOf(declared({}), new Map())
  expect(entriesOf(declared({}), before).get('shop/main')).toBe(before.get('shop/main'))
})
