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
  ['nothing: one is made at once', {}, false, true, []],
  ['a username, but no key', statusOf('smtp', { username: 'x', keys: [] }), false, true, []],
  ['its keys and its name: it is taken to be there', statusOf('smtp'), true, false, []],
  ['its keys alone: it is looked at', statusOf(), false, false, []],
  ['another name: one is made, and that one goes', statusOf('old'), false, true, ['old']],
  ['nonsense', { username: 1, keys: 'x', binding: 'y' }, false, true, []],
  ['a name that is none', statusOf(undefined, { ...recorded, binding: { name: 7 } }), false, false, []],
])('a status that tells %s', (_name, status, isSettled, makesOne, formerNames) => {
  const entry = entryOf({ ref, uid: 'u', status: status as Readonly<Record<string, unknown>> }, owed())
  expect([entry.settled !== undefined, expectsNone(entry), [...entry.formerNames]]).toEqual([
    isSettled,
    makesOne,
    formerNames,
  ])
})

test('what was found goes before what is recorded', () => {
  const entry = entryOf({ ref, uid: 'u', status: statusOf('smtp') }, owed())
  expect(knownKeys(entry)).toEqual(recorded)
  entry.keys = { username: 'web.team-a', keys: [] }
  expect(knownKeys(entry)?.keys).toEqual([])
})

const settledEntry = (): Entry => entryOf({ ref, uid: 'u', status: statusOf('smtp') }, owed())
const isSettled = (entry: Entry): boolean => entry.settled !== undefined && entry.settled === entry.owed

test('the same again, in other words, is nothing new', () => {
  const entry = settledEntry()
  expect([owe(entry, owed()), isSettled(entry)]).toEqual([false, true])
})

test.each([
  ['another port', owed({ port: 465 })],
  ['another label', owed({ labels: { team: 'a' } })],
  ['another bundle', owed({}, 'THE NEXT BUNDLE')],
])('%s is new, and what was before is settled still when it is wished for again', (_name, other) => {
  const entry = settledEntry()
  expect([owe(entry, other), isSettled(entry)]).toEqual([true, false])
  expect([owe(entry, owed()), isSettled(entry)]).toEqual([false, true])
})

test('while something else is being written, what was before is a new wish', () => {
  const entry = settledEntry()
  owe(entry, owed({ port: 465 }))
  entry.settled = undefined
  expect([owe(entry, owed()), isSettled(entry)]).toEqual([true, false])
})

test('each name that it had is remembered until it has it again, also through a hold', () => {
  const entry = settledEntry()
  owe(entry, owed({ secretName: 'mail' }))
  expect([[...entry.formerNames], entry.wasSeen, expectsNone(entry)]).toEqual([['smtp'], false, true])
  entry.owed = undefined
  owe(entry, owed({ secretName: 'post' }))
  expect([...entry.formerNames]).toEqual(['smtp', 'mail'])
  owe(entry, owed())
  expect([...entry.formerNames]).toEqual(['mail', 'post'])
})
