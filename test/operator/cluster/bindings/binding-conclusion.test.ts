import { expect, test } from 'vitest'
import { keyOf } from '../../../../operator/binding-secret.ts'
import { type Before, conclusionOf } from '../../../../operator/cluster/bindings/binding-conclusion.ts'
import type { Key } from '../../../../operator/lifecycle/keys.ts'
import { owed } from '../owed.ts'

type Ensured = Parameters<typeof conclusionOf>[0]

const now = Date.parse('2026-06-01T00:00:00Z')
const [first, second] = [keyOf('p'.repeat(43)), keyOf('q'.repeat(43))]
const known = (...keys: readonly Key[]) => ({ username: 'web.team-a', keys })
const active: Key = { ...first, state: 'Active', createdAt: '2026-05-01T00:00:00.000Z' }
const facts: Before['facts'] = {
  rotation: owed().binding.rotation,
  atHand: undefined,
  isReached: false,
  heard: { uses: new Map(), upTo: undefined },
  now,
}
const nothing: Before = { keys: undefined, isRenamed: false, facts }
const before: Before = { ...nothing, keys: known(active) }
const found = (secret = first, wasDamaged = false): Ensured => ({ is: 'ours', secret, wasDamaged })
/** Made because the first one was missed. */
const anew = (wasDamaged = false): Ensured => ({
  is: 'ours',
  secret: { ...second, replaces: first.id },
  wasDamaged,
})
const contested = (secret: typeof first | undefined): Ensured => ({
  is: 'contested',
  secret,
  managers: ['gitops'],
  fields: ['.data.host'],
})
const one = `${first.id} Active`
const both = `${second.id} Active, ${first.id} Retiring`

test.each<[string, Ensured, Before, string, string | undefined, string | undefined]>([
  ['the first one', found(), nothing, one, undefined, undefined],
  ['as it was known', found(), before, one, undefined, undefined],
  ['damaged, its password kept', found(first, true), before, one, undefined, 'still the same'],
  ['damaged, its password lost', anew(true), before, both, undefined, 'read it anew'],
  ['deleted while it was known', anew(), before, both, undefined, 'read it anew'],
  ['damaged before anybody knew it', found(first, true), nothing, one, undefined, 'still the same'],
  ['under a new name', anew(), { ...before, isRenamed: true }, both, undefined, undefined],
  ['there at last, after somebody else’s', found(), { ...nothing, keys: known() }, one, undefined, undefined],
  ['somebody else’s', { is: 'foreign' }, nothing, '', 'SecretNotOwned', undefined],
  ['somebody else’s by now', { is: 'foreign' }, before, '', 'SecretNotOwned', undefined],
  [
    'somebody else’s under the new name',
    { is: 'foreign' },
    { ...before, isRenamed: true, formerSecret: first },
    one,
    'SecretNotOwned',
    undefined,
  ],
  ['contested', contested(first), before, one, 'SecretContested', undefined],
  ['contested, without a password', contested(undefined), before, '', 'SecretContested', undefined],
])('%s', (_name, ensured, known, keys, reason, note) => {
  const { trouble, occasions, ...conclusion } = conclusionOf(ensured, owed(), known)
  expect(conclusion.keys.keys.map(({ id, state }) => `${id} ${state}`).join(', ')).toBe(keys)
  expect(conclusion.act).toBe('rest')
  expect(trouble?.reason).toBe(reason)
  expect(occasions.map((o) => o.reason)).toEqual(note === undefined ? [] : ['SecretRepaired'])
  if (note !== undefined) expect(occasions[0]?.note).toContain(note)
})

test('who contests it is named, and what', () => {
  const { trouble } = conclusionOf(contested(first), owed(), nothing)
  expect(trouble?.message).toContain('Secret team-a/smtp: gitops applies .data.host too')
  expect(trouble?.message).toContain('spec.secretTemplate.name')
})

test('a password that nobody knows opens nothing: another one is made, and what was accepted stays so', () => {
  const { keys, act, occasions } = conclusionOf(found(second), owed(), before)
  expect([keys.keys.map(({ id }) => id), act, occasions]).toEqual([[first.id], 'make', []])
})

const pending: Key = { ...second, state: 'Pending', createdAt: '2026-05-31T23:59:59.000Z', trigger: 'now' }
const retiring: Key = { ...keyOf('r'.repeat(43)), state: 'Retiring', replacedAt: '2026-05-20T00:00:00.000Z' }

test('a key that is handed out is told of, and so is whoever is cut off by that', () => {
  const uses = new Map([[retiring.id, { at: now - 60_000, network: '192.0.2.0/24' }]])
  const keys = known(pending, active, retiring)
  const its = { ...before, keys, facts: { ...facts, atHand: second.id, heard: { uses, upTo: now } } }
  const { occasions } = conclusionOf(found(second), owed(), its)
  expect(occasions.map((o) => [o.type, o.reason])).toEqual([
    ['Normal', 'KeyRotated'],
    ['Warning', 'KeyRetiredInUse'],
  ])
  expect(occasions[0]?.note).toContain(`Secret team-a/smtp holds key ${second.id}`)
  expect(occasions[1]?.note).toContain('last used from 192.0.2.0/24')
  expect(JSON.stringify(occasions)).not.toContain('qqqq')
})

test('a key that nobody uses goes with a word, and no warning', () => {
  const its = { ...before, keys: known(active, retiring), facts: { ...facts, heard: { uses: new Map(), upTo: now } } }
  expect(conclusionOf(found(), owed(), its).occasions.map((o) => [o.type, o.reason])).toEqual([
    ['Normal', 'KeyRetired'],
  ])
})
