import { expect, test } from 'vitest'
import { judgeConnect } from '../../../relay/rules/connect.ts'
import { policy } from '../policy.ts'

const ruleOf = (client: string, allow: readonly string[], deny: readonly string[]) =>
  judgeConnect(policy({ networks: { allow, deny } }), client)?.rule

test.each([
  ['no lists', '198.51.100.7', [], [], undefined],
  ['in allow', '198.51.100.7', ['198.51.100.0/24'], [], undefined],
  ['not in allow', '192.0.2.7', ['198.51.100.0/24'], [], 'admission.networks'],
  ['in deny', '198.51.100.7', [], ['198.51.100.0/24'], 'admission.networks'],
  ['not in deny', '192.0.2.7', [], ['198.51.100.0/24'], undefined],
  ['case C03: in both, deny wins', '198.51.100.7', ['198.51.100.0/24'], ['198.51.100.7/32'], 'admission.networks'],
  ['deny wins over a narrower allow', '198.51.100.7', ['198.51.100.7/32'], ['198.51.0.0/16'], 'admission.networks'],
  ['deny wins in IPv6 clothes', '::ffff:198.51.100.7', [], ['198.51.100.0/24'], 'admission.networks'],
  ['no address', '', [], [], 'admission.networks'],
  ['an unreadable deny list', '192.0.2.7', [], ['corp.t'], 'admission.networks'],
  ['an unreadable allow list', '192.0.2.7', ['192.0.2.0/24', 'corp.t'], [], 'admission.networks'],
] as const)('%s', (_name, client, allow, deny, rule) => {
  expect(ruleOf(client, allow, deny)).toBe(rule)
})

test('a suspended fleet answers 421 to everybody', () => {
  const refusal = judgeConnect(policy({ suspended: true }), '198.51.100.7')
  expect(refusal).toMatchObject({ rule: 'suspended', reply: { code: 421, status: '4.3.2' } })
})
