/** RotationPending tells a person, word by word, what a rotation waits for at each of its steps. */
import { expect, test } from 'vitest'
import type { Key, KeyUse } from '../../../operator/lifecycle/keys.ts'
import { rotationPending } from '../../../operator/lifecycle/rotation-pending.ts'

const at = (text: string): number => Date.parse(text)
const rotation = { everyMs: 30 * 86_400_000, overlapMs: 48 * 3_600_000, trigger: '' }
const active: Key = { id: 'b', verifier: 'v', state: 'Active', createdAt: '2026-06-01T00:00:00Z' }
const old: Key = {
  id: 'a',
  verifier: 'v',
  state: 'Retiring',
  replacedAt: '2026-06-01T00:00:10Z',
  expiresAt: '2026-07-01T00:00:10Z',
}
const { expiresAt: _, ...endless } = old
const pending: Key = { id: 'c', verifier: 'v', state: 'Pending' }
const used = (when: string, more: Partial<KeyUse> = {}) =>
  new Map([['a', { at: at(when), network: '192.0.2.0/24', ...more }]])
const nobody = new Map<string, KeyUse>()

test.each<[string, readonly Key[], ReadonlyMap<string, KeyUse>, number | undefined, string, string, string]>([
  [
    'a new key that relays do not accept yet is NewKeyPending',
    [pending, active],
    nobody,
    undefined,
    '2026-06-01T00:00:00Z',
    'NewKeyPending',
    'key c is made; the Secret gets it as soon as every ready relay accepts it',
  ],
  [
    'an old key that was not used since is Overlap',
    [active, old],
    nobody,
    at('2026-06-02T00:00:00Z'),
    '2026-06-02T00:00:00Z',
    'Overlap',
    'key a, replaced at 2026-06-01T00:00Z, has not been used since. It is refused from 2026-06-03T00:00Z on if nobody uses it until then, and from 2026-07-01T00:00Z on in any case',
  ],
  [
    'an old key that was used since is OldKeyInUse',
    [active, old],
    used('2026-06-01T10:20:30Z'),
    undefined,
    '2026-06-02T00:00:00Z',
    'OldKeyInUse',
    'key a, replaced at 2026-06-01T00:00Z, was last used at 2026-06-01T10:20Z from 192.0.2.0/24; have that client read the Secret anew. It is refused from 2026-06-03T10:20Z on if nobody uses it until then, and from 2026-07-01T00:00Z on in any case',
  ],
  [
    'an old key that is used after the overlap is OldKeyOverdue',
    [active, endless],
    used('2026-06-04T10:20:30Z'),
    undefined,
    '2026-06-05T00:00:00Z',
    'OldKeyOverdue',
    'key a, replaced at 2026-06-01T00:00Z, was last used at 2026-06-04T10:20Z from 192.0.2.0/24; have that client read the Secret anew. It is refused from 2026-06-06T10:20Z on if nobody uses it until then, and as soon as spec.rotation.trigger is changed again',
  ],
  [
    'an old key of which not every relay has told since is UseUnknown',
    [active, old],
    nobody,
    at('2026-06-02T00:00:00Z'),
    '2026-06-05T00:00:00Z',
    'UseUnknown',
    'key a, replaced at 2026-06-01T00:00Z, may be in use: not every relay that takes mail has told since 2026-06-02T00:00Z. It stays until they have, and is refused from 2026-07-01T00:00Z on in any case',
  ],
  [
    'an old key of which not every relay has ever told is UseUnknown',
    [active, endless],
    nobody,
    undefined,
    '2026-06-05T00:00:00Z',
    'UseUnknown',
    'key a, replaced at 2026-06-01T00:00Z, may be in use: not every relay that takes mail has told. It stays until they have, and is refused as soon as spec.rotation.trigger is changed again',
  ],
])('%s', (_name, keys, uses, upTo, now, reason, message) => {
  expect(rotationPending(keys, rotation, { uses, upTo }, at(now))).toEqual({
    type: 'RotationPending',
    status: 'True',
    reason,
    message,
  })
})

test('with one key there is no condition, and with several the worst one gives the reason', () => {
  const heard = { uses: used('2026-06-01T10:00:00Z'), upTo: undefined }
  expect(rotationPending([active], rotation, heard, at('2026-06-02T00:00:00Z'))).toBeUndefined()
  const both = rotationPending([pending, active, old], rotation, heard, at('2026-06-02T00:00:00Z'))
  expect(both?.reason).toBe('OldKeyInUse')
  expect(both?.message).toContain('key c is made')
})
