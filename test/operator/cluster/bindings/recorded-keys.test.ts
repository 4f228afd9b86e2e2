/** Which keys of a status are believed. */
import { expect, test } from 'vitest'
import { recordedKeys } from '../../../../operator/cluster/bindings/recorded-keys.ts'

const good = { id: 'k1', verifier: `sha256:${'0a'.repeat(32)}` }
const recorded = (keys: unknown, username: unknown = 'web.team-a') => recordedKeys({ username, keys })

test('well-formed keys are, and nothing beside them', () => {
  const whole = { ...good, state: 'Retiring', createdAt: '2026-01-01T00:00:00Z', replacedAt: '2026-02-01T00:00:00Z' }
  expect(
    recorded([{ ...whole, expiresAt: '2026-03-01T00:00:00Z', trigger: 't', lastUsedAt: '2026-02-02T00:00:00Z' }]),
  ).toEqual({
    username: 'web.team-a',
    keys: [{ ...whole, expiresAt: '2026-03-01T00:00:00Z', trigger: 't' }],
  })
})

test('a key is not lost over what is said beside its verifier', () => {
  const odd = { ...good, state: 'Stolen', createdAt: 'yesterday', expiresAt: 7, trigger: [] }
  expect(recorded([odd])).toEqual({ username: 'web.team-a', keys: [good] })
})

test.each<[string, unknown]>([
  ['another hash', { ...good, verifier: `sha512:${'0a'.repeat(64)}` }],
  ['a digest that is too short', { ...good, verifier: 'sha256:0a' }],
  ['a digest that is too long', { ...good, verifier: `${good.verifier}0` }],
  ['upper case', { ...good, verifier: `sha256:${'0A'.repeat(32)}` }],
  ['a second line', { ...good, verifier: `${good.verifier}\n` }],
  ['no id', { verifier: good.verifier }],
  ['an empty id', { ...good, id: '' }],
  ['an id with a line feed', { ...good, id: 'k\n1' }],
  ['a number', 7],
  ['nothing', null],
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
])('%s: nothing is known', (_name, username, keys) => {
  expect(recordedKeys({ username, keys })).toBeUndefined()
})
