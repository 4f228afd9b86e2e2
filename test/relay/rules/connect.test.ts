/** Which clients may connect at all: by the networks that are allowed and denied, and not while the fleet is suspended. */
import { expect, test } from 'vitest'
import { judgeConnect } from '../../../relay/rules/connect.ts'
import { policy } from '../policy.ts'

const ruleOf = (client: string, allow: readonly string[], deny: readonly string[]) =>
  judgeConnect(policy({ networks: { allow, deny } }), client)?.rule

test.each([
  ['without lists every client may connect', '198.51.100.7', [], [], undefined],
  ['a client in the allow list may connect', '198.51.100.7', ['198.51.100.0/24'], [], undefined],
  [
    'a client that is not in the allow list may not connect',
    '192.0.2.7',
    ['198.51.100.0/24'],
    [],
    'admission.networks',
  ],
  ['a client in the deny list may not connect', '198.51.100.7', [], ['198.51.100.0/24'], 'admission.networks'],
  ['a client that is not in the deny list may connect', '192.0.2.7', [], ['198.51.100.0/24'], undefined],
  [
    'case C03: deny wins for a client in both lists',
    '198.51.100.7',
    ['198.51.100.0/24'],
    ['198.51.100.7/32'],
    'admission.networks',
  ],
  ['deny wins over a narrower allow', '198.51.100.7', ['198.51.100.7/32'], ['198.51.0.0/16'], 'admission.networks'],
  [
    'deny wins where the IPv4 address is written as IPv6',
    '::ffff:198.51.100.7',
    [],
    ['198.51.100.0/24'],
    'admission.networks',
  ],
  ['a client without an address may not connect', '', [], [], 'admission.networks'],
  ['nobody may connect while the deny list can not be read', '192.0.2.7', [], ['corp.t'], 'admission.networks'],
  [
    'nobody may connect while the allow list can not be read',
    '192.0.2.7',
    ['192.0.2.0/24', 'corp.t'],
    [],
    'admission.networks',
  ],
] as const)('%s', (_name, client, allow, deny, rule) => {
  expect(ruleOf(client, allow, deny)).toBe(rule)
})

test('a suspended fleet answers 421 to everybody', () => {
  const refusal = judgeConnect(policy({ suspended: true }), '198.51.100.7')
  expect(refusal).toMatchObject({ rule: 'suspended', reply: { code: 421, status: '4.3.2' } })
})
