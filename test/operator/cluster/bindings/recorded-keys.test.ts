/** Keys in a status are believed only if they are well-formed. */
import { expect, test } from 'vitest'
import { recordedKeys } from '../../../../operator/cluster/bindings/recorded-keys.ts'

const good = { id: 'k1', verifier: `sha256:${'0a'.repeat(32)}` }
const recorded = (keys: unknown, username: unknown = 'web.team-a') => recordedKeys({ username, keys })

test('a well-formed key is read with its known fields, and others are left out', () => {
  const whole = { ...good, state: 'Retiring', createdAt: '2026-01-01T00:00:00Z', replacedAt: '2026-02-01T00:00:00Z' }
  expect(
    recorded([{ ...whole, expiresAt: '2026-03-01T00:00:00Z', trigger: 't', lastUsedAt: '2026-02-02T00:00:00Z' }]),
  ).toEqual({
    username: 'web.team-a',
    keys: [{ ...whole, expiresAt: '2026-03-01T00:00:00Z', trigger: 't' }],
  })
})

test('malformed fields beside the id and the verifier are left out, and the key is kept', () => {
  const odd = { ...good, state: 'Stolen', createdAt: 'yesterday', expiresAt: 7, trigger: [] }
  expect(recorded([odd])).toEqual({ username: 'web.team-a', keys: [good] })
})

test.each<[string, unknown]>([
  ['a verifier with another hash', { ...good, verifier: `sha512:${'0a'.repeat(64)}` }],
  ['a verifier that is too short', { ...good, verifier: 'sha256:0a' }],
  ['a verifier that is too long', { ...good, verifier: `${good.verifier}0` }],
  ['a verifier in upper case', { ...good, verifier: `sha256:${'0A'.repeat(32)}` }],
  ['a verifier with a line feed', { ...good, verifier: `${good.verifier}\n` }],
  ['a key without an id', { verifier: good.verifier }],
  ['a key with an empty id', { ...good, id: '' }],
  ['a key whose id has a line feed', { ...good, id: 'k\n1' }],
  ['a number in place of a key', 7],
  ['null in place of a key', null],
])('%s is left out', (_name, key) => {
  expect(recorded([key, good])).toEqual({ username: 'web.team-a', keys: [good] })
  expect(recorded([key])).toBeUndefined()
})

test.each<[string, unknown, unknown]>([
  ['no key at all', 'web.team-a', []],
  ['no list', 'web.team-a', { 0: good }],
  ['no status', undefined, undefined],
  ['no username', undefined, [good]],
  ['a username that is no text', 7, [good]],
])('with %s in the status nothing is known', (_name, username, keys) => {
  expect(recordedKeys({ username, keys })).toBeUndefined()
})
