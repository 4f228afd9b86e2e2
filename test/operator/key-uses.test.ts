/** The last use of each key is put together from what the relays report, by the clock of the operator, and tells networks instead of addresses. */
import { expect, test } from 'vitest'
import { keySaying, usesRecorded } from '../../operator/key-saying.ts'
import { networkOf, type Told, usesIn } from '../../operator/key-uses.ts'
import { KnownUses } from '../../operator/known-uses.ts'
import type { Key } from '../../operator/lifecycle/keys.ts'

const noon = Date.parse('2026-06-01T12:00:00Z')
const told = (itsNow: string, at: string, client: string, askedAt = noon): Told => ({
  askedAt,
  usage: { now: itsNow, keys: [{ name: 'a/web', key: 'k', at, client }] },
})

test.each([
  ['192.0.2.77', '192.0.2.0/24'],
  ['::ffff:192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8::/64'],
  ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
  ['::1', '::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
])('a use by the client %s is reported as by %s', (client, network) => {
  expect(networkOf(client)).toBe(network)
})

test('the latest use counts, however wrong the clocks of the relays are', () => {
  const hourAhead = told('2026-06-01T13:00:00Z', '2026-06-01T12:50:00Z', '192.0.2.1')
  const hourBehind = told('2026-06-01T11:00:00Z', '2026-06-01T10:55:00Z', '198.51.100.1')
  const use = usesIn([hourAhead, hourBehind]).get('a/web')?.get('k')
  expect([use?.network, use?.at]).toEqual(['198.51.100.0/24', noon - 300_000])
  // A use in the future counts as one at this moment.
  expect(
    usesIn([told('2026-06-01T12:00:00Z', '2026-06-01T14:00:00Z', '192.0.2.1')])
      .get('a/web')
      ?.get('k')?.at,
  ).toBe(noon)
})

test('known uses stay known while a relay is away, and to an operator that was restarted', () => {
  const recorded = {
    keys: [{ id: 'k', lastUsedAt: '2026-06-01T11:30:00Z', lastUsedFrom: { network: '192.0.2.0/24' } }],
  }
  const uses = new KnownUses(() => recorded)
  expect(uses.heard('m/f', 'a/web')).toEqual({ uses: usesRecorded(recorded), upTo: undefined })
  uses.take('m/f', [told('2026-06-01T12:00:00Z', '2026-06-01T11:40:00Z', '192.0.2.9')], noon, undefined)
  uses.take('m/f', [], undefined, undefined)
  const heard = uses.heard('m/f', 'a/web')
  expect([heard.uses.get('k')?.at, heard.upTo]).toEqual([noon - 1_200_000, noon])
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['no list', { 0: 'k' }],
  ['no keys', ['k', null, {}]],
  ['no times', [{ id: 'k', lastUsedAt: 'late', lastUsedFrom: { network: 'x' } }]],
  ['no network', [{ id: 'k', lastUsedAt: '2026-06-01T11:30:00Z' }]],
])('a status with %s gives no use of a key', (_name, keys) => {
  expect(usesRecorded({ keys }).size).toBe(0)
})

test('the status tells the last use of an old key to the minute, and that of the active key to the hour', () => {
  const keys: readonly Key[] = [
    { id: 'b', verifier: 'v', state: 'Active', createdAt: '2026-06-01T00:00:00Z' },
    { id: 'a', verifier: 'v', state: 'Retiring', replacedAt: '2026-06-01T00:00:00Z' },
  ]
  const at = Date.parse('2026-06-01T11:34:56Z')
  const use = { at, network: '192.0.2.0/24' }
  const heard = {
    uses: new Map([
      ['a', use],
      ['b', use],
    ]),
    upTo: noon,
  }
  const { fields, condition } = keySaying(keys, { overlapMs: 172_800_000, trigger: '' }, heard, noon)
  expect(fields.keys).toMatchObject([
    { id: 'b', lastUsedAt: '2026-06-01T11:00:00Z' },
    { id: 'a', lastUsedAt: '2026-06-01T11:34:00Z', lastUsedFrom: { network: '192.0.2.0/24' } },
  ])
  expect(condition?.reason).toBe('OldKeyInUse')
})

test.each([
  ['made and used within an hour', '2026-06-01T11:19:44.718Z', '2026-06-01T11:34:56Z', '2026-06-01T11:19:44.718Z'],
  ['used in the hour after', '2026-06-01T10:59:59.500Z', '2026-06-01T11:34:56Z', '2026-06-01T11:00:00Z'],
  ['used by a clock that is behind', '2026-06-01T11:50:00Z', '2026-06-01T11:34:56Z', '2026-06-01T11:00:00Z'],
])('a key that was %s is not said to have been used before it was made, unless a clock was behind', (_what, createdAt, used, said) => {
  const key: Key = { id: 'b', verifier: 'v', state: 'Active', createdAt }
  const uses = new Map([['b', { at: Date.parse(used), network: '192.0.2.0/24' }]])
  expect(keySaying([key], undefined, { uses, upTo: noon }, noon).fields.keys).toMatchObject([{ lastUsedAt: said }])
})
