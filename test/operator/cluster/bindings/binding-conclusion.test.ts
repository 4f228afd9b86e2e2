import { expect, test } from 'vitest'
import { bindingKeysOf } from '../../../../operator/binding-secret.ts'
import { type Before, conclusionOf } from '../../../../operator/cluster/bindings/binding-conclusion.ts'
import { owed } from '../owed.ts'

type Ensured = Parameters<typeof conclusionOf>[0]

const first = bindingKeysOf('web.team-a', 'p'.repeat(43))
const second = bindingKeysOf('web.team-a', 'q'.repeat(43))
const none = { username: 'web.team-a', keys: [] }
const nothing: Before = { keys: undefined, isRenamed: false }
const found = (keys = first, wasDamaged = false): Ensured => ({ is: 'ours', keys, wasDamaged })
const contested = (keys: typeof first | undefined): Ensured => ({
  is: 'contested',
  keys,
  managers: ['gitops'],
  fields: ['.data.host'],
})

test.each<[string, Ensured, Before, typeof none | typeof first, string | undefined, string | undefined]>([
  ['the first one', found(), nothing, first, undefined, undefined],
  ['as it was known', found(), { ...nothing, keys: first }, first, undefined, undefined],
  ['damaged, its password kept', found(first, true), { ...nothing, keys: first }, first, undefined, 'still the same'],
  ['damaged, its password lost', found(second, true), { ...nothing, keys: first }, second, undefined, 'read it anew'],
  ['deleted while it was known', found(second), { ...nothing, keys: first }, second, undefined, 'read it anew'],
  ['damaged before anybody knew it', found(first, true), nothing, first, undefined, 'still the same'],
  ['under a new name', found(second), { keys: first, isRenamed: true }, second, undefined, undefined],
  ['there at last, after somebody else’s', found(), { ...nothing, keys: none }, first, undefined, undefined],
  ['somebody else’s', { is: 'foreign' }, nothing, none, 'SecretNotOwned', undefined],
  ['somebody else’s by now', { is: 'foreign' }, { ...nothing, keys: first }, none, 'SecretNotOwned', undefined],
  [
    'somebody else’s under the new name',
    { is: 'foreign' },
    { keys: first, isRenamed: true, formerKeys: first },
    first,
    'SecretNotOwned',
    undefined,
  ],
  ['contested', contested(first), { ...nothing, keys: first }, first, 'SecretContested', undefined],
  [
    'contested, without a password',
    contested(undefined),
    { ...nothing, keys: first },
    none,
    'SecretContested',
    undefined,
  ],
])('%s', (_name, ensured, before, keys, reason, note) => {
  const conclusion = conclusionOf(ensured, owed(), before)
  expect(conclusion.keys).toEqual(keys)
  expect(conclusion.trouble?.reason).toBe(reason)
  expect(conclusion.occasion?.reason).toBe(note === undefined ? undefined : 'SecretRepaired')
  if (note !== undefined) expect(conclusion.occasion?.note).toContain(note)
})

test('who contests it is named, and what', () => {
  const { trouble } = conclusionOf(contested(first), owed(), nothing)
  expect(trouble?.message).toContain('Secret team-a/smtp: gitops applies .data.host too')
  expect(trouble?.message).toContain('spec.secretTemplate.name')
})
