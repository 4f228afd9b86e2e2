/** What was found of a binding Secret leads to its keys, a trouble, Events, and what to do next. */
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
/** A Secret that was made anew, since the first one was missing. */
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
  ['the first Secret has one active key', found(), nothing, one, undefined, undefined],
  ['a Secret as it was known changes nothing', found(), before, one, undefined, undefined],
  [
    'a damaged Secret that kept its password makes an Event that says so',
    found(first, true),
    before,
    one,
    undefined,
    'still the same',
  ],
  [
    'a damaged Secret that lost its password has a second key, and makes an Event',
    anew(true),
    before,
    both,
    undefined,
    'read it anew',
  ],
  ['a deleted Secret has a second key, and makes an Event', anew(), before, both, undefined, 'read it anew'],
  [
    'a damaged Secret that was not known before makes an Event',
    found(first, true),
    nothing,
    one,
    undefined,
    'still the same',
  ],
  [
    'a Secret under a new name has a second key, without an Event',
    anew(),
    { ...before, isRenamed: true },
    both,
    undefined,
    undefined,
  ],
  [
    'a Secret in place of that of somebody else has one key',
    found(),
    { ...nothing, keys: known() },
    one,
    undefined,
    undefined,
  ],
  ['a Secret of somebody else is SecretNotOwned', { is: 'foreign' }, nothing, '', 'SecretNotOwned', undefined],
  [
    'a Secret that now is of somebody else is SecretNotOwned, without keys',
    { is: 'foreign' },
    before,
    '',
    'SecretNotOwned',
    undefined,
  ],
  [
    'a Secret of somebody else under the new name is SecretNotOwned, and the key of the former Secret stays',
    { is: 'foreign' },
    { ...before, isRenamed: true, formerSecret: first },
    one,
    'SecretNotOwned',
    undefined,
  ],
  [
    'a Secret whose fields others apply is SecretContested, and its key stays',
    contested(first),
    before,
    one,
    'SecretContested',
    undefined,
  ],
  [
    'a Secret whose fields others apply, without a password, has no key',
    contested(undefined),
    before,
    '',
    'SecretContested',
    undefined,
  ],
])('%s', (_name, ensured, known, keys, reason, note) => {
  const { trouble, occasions, ...conclusion } = conclusionOf(ensured, owed(), known)
  expect(conclusion.keys.keys.map(({ id, state }) => `${id} ${state}`).join(', ')).toBe(keys)
  expect(conclusion.act).toBe('rest')
  expect(trouble?.reason).toBe(reason)
  expect(occasions.map((o) => o.reason)).toEqual(note === undefined ? [] : ['SecretRepaired'])
  if (note !== undefined) expect(occasions[0]?.note).toContain(note)
})

test('the message of SecretContested names who applies which field', () => {
  const { trouble } = conclusionOf(contested(first), owed(), nothing)
  expect(trouble?.message).toContain('Secret team-a/smtp: gitops applies .data.host too')
  expect(trouble?.message).toContain('spec.secretTemplate.name')
})

test('an unknown password in the Secret is not accepted, another one is made, and the known key stays', () => {
  const { keys, act, occasions } = conclusionOf(found(second), owed(), before)
  expect([keys.keys.map(({ id }) => id), act, occasions]).toEqual([[first.id], 'make', []])
})

const pending: Key = { ...second, state: 'Pending', createdAt: '2026-05-31T23:59:59.000Z', trigger: 'now' }
const retiring: Key = { ...keyOf('r'.repeat(43)), state: 'Retiring', replacedAt: '2026-05-20T00:00:00.000Z' }

test('handing out a key makes an Event, and so does ending a key that is still used', () => {
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

test('ending a key that is not used makes a normal Event', () => {
  const its = { ...before, keys: known(active, retiring), facts: { ...facts, heard: { uses: new Map(), upTo: now } } }
  expect(conclusionOf(found(), owed(), its).occasions.map((o) => [o.type, o.reason])).toEqual([
    ['Normal', 'KeyRetired'],
  ])
})
