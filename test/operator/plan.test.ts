/** The diff as a table: every way in which desired and observed can differ by one key. */
import { expect, test } from 'vitest'
import { plan } from '../../operator/plan.ts'

const nothing = { create: [], change: [], remove: [] }

test.each([
  ['nothing wanted, nothing there', {}, {}, nothing],
  ['what is there as wanted stays', { a: '1' }, { a: '1' }, nothing],
  ['what is missing is created', { a: '1' }, {}, { ...nothing, create: ['a'] }],
  ['what differs is changed', { a: '2' }, { a: '1' }, { ...nothing, change: ['a'] }],
  ['what is not wanted is removed', {}, { a: '1' }, { ...nothing, remove: ['a'] }],
  ['an empty hash is a hash', { a: '' }, { a: '1' }, { ...nothing, change: ['a'] }],
  [
    'each key is planned alone',
    { a: '1', b: '2', c: '3' },
    { b: '2', c: '0', d: '4' },
    { create: ['a'], change: ['c'], remove: ['d'] },
  ],
])('%s', (_name, desired: Record<string, string>, observed: Record<string, string>, expected) => {
  expect(plan(new Map(Object.entries(desired)), new Map(Object.entries(observed)))).toEqual(expected)
})
