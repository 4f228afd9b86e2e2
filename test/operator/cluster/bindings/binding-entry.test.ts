/** The entry of a binding remembers what its status records, what it is owed, and the names that its Secret had. */
import { expect, test } from 'vitest'
import { keyOf } from '../../../../operator/binding-secret.ts'
import {
  type Entry,
  entryOf,
  expectsNone,
  knownKeys,
  owe,
} from '../../../../operator/cluster/bindings/binding-entry.ts'
import { owed } from '../owed.ts'

const ref = 'RelayCredential team-a/web'
const recorded = { username: 'web.team-a', keys: [keyOf('p'.repeat(43))] }
const statusOf = (name?: string, keys: object = recorded) => ({
  ...keys,
  ...(name !== undefined && { binding: { name } }),
})

test.each<[string, object, boolean, boolean, readonly string[]]>([
  ['without keys and a name expects no Secret', {}, false, true, []],
  ['with a username and no key expects no Secret', statusOf('smtp', { username: 'x', keys: [] }), false, true, []],
  ['with its keys and its name is settled', statusOf('smtp'), true, false, []],
  ['with its keys alone has to be looked at', statusOf(), false, false, []],
  [
    'with another name expects no Secret of the new name, and remembers the former',
    statusOf('old'),
    false,
    true,
    ['old'],
  ],
  ['of another form expects no Secret', { username: 1, keys: 'x', binding: 'y' }, false, true, []],
  [
    'with its keys and a malformed name has to be looked at',
    statusOf(undefined, { ...recorded, binding: { name: 7 } }),
    false,
    false,
    [],
  ],
])('the entry of a status %s', (_name, status, isSettled, makesOne, formerNames) => {
  const entry = entryOf({ ref, uid: 'u', status: status as Readonly<Record<string, unknown>> }, owed())
  expect([entry.settled !== undefined, expectsNone(entry), [...entry.formerNames]]).toEqual([
    isSettled,
    makesOne,
    formerNames,
  ])
})

test('keys that were found in the Secret come before those of the status', () => {
  const entry = entryOf({ ref, uid: 'u', status: statusOf('smtp') }, owed())
  expect(knownKeys(entry)).toEqual(recorded)
  entry.keys = { username: 'web.team-a', keys: [] }
  expect(knownKeys(entry)?.keys).toEqual([])
})

const settledEntry = (): Entry => entryOf({ ref, uid: 'u', status: statusOf('smtp') }, owed())
const isSettled = (entry: Entry): boolean => entry.settled !== undefined && entry.settled === entry.owed

test('being owed the same again is nothing new, and the entry stays settled', () => {
  const entry = settledEntry()
  expect([owe(entry, owed()), isSettled(entry)]).toEqual([false, true])
})

test.each([
  ['another port', owed({ port: 465 })],
  ['another label', owed({ labels: { team: 'a' } })],
  ['another bundle', owed({}, 'THE NEXT BUNDLE')],
])('%s is new, and going back to what was owed before is settled', (_name, other) => {
  const entry = settledEntry()
  expect([owe(entry, other), isSettled(entry)]).toEqual([true, false])
  expect([owe(entry, owed()), isSettled(entry)]).toEqual([false, true])
})

test('while something else is being written, going back to what was owed before is new', () => {
  const entry = settledEntry()
  owe(entry, owed({ port: 465 }))
  entry.settled = undefined
  expect([owe(entry, owed()), isSettled(entry)]).toEqual([true, false])
})

test('each former name is remembered until it is the name again, also through a hold', () => {
  const entry = settledEntry()
  owe(entry, owed({ secretName: 'mail' }))
  expect([[...entry.formerNames], entry.wasSeen, expectsNone(entry)]).toEqual([['smtp'], false, true])
  entry.owed = undefined
  owe(entry, owed({ secretName: 'post' }))
  expect([...entry.formerNames]).toEqual(['smtp', 'mail'])
  owe(entry, owed())
  expect([...entry.formerNames]).toEqual(['mail', 'post'])
})
