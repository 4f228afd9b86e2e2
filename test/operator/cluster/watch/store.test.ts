/** A store holds the newest version of each object after lists and events, in whatever order they come. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { isOlder } from '../../../../operator/cluster/api/resource-version.ts'
import { type Change, Store } from '../../../../operator/cluster/watch/store.ts'

const object = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'n', resourceVersion },
})
const newStore = () => new Store((o) => ({ name: o.metadata.name, version: o.metadata.resourceVersion }))
const held = (store: ReturnType<typeof newStore>) => store.values().map((v) => `${v.name}@${v.version}`)

test('a list replaces everything', () => {
  const store = newStore()
  expect(store.replace([object('a', '1'), object('b', '2')])).toBe('changed')
  expect(store.replace([object('b', '3'), object('c', '4')])).toBe('changed')
  expect(held(store)).toEqual(['b@3', 'c@4'])
})

test.each<[string, readonly KubeObject[], Change]>([
  ['the same list changes nothing', [object('a', '1'), object('b', '2')], 'none'],
  ['the same list in another order changes nothing', [object('b', '2'), object('a', '1')], 'none'],
  ['a list with a new version is a change', [object('a', '1'), object('b', '3')], 'changed'],
  ['a list that lacks an object is a change', [object('a', '1')], 'changed'],
  ['a list with another object in place of one is a change', [object('a', '1'), object('c', '2')], 'changed'],
])('%s', (_name, list, changed) => {
  const store = newStore()
  store.replace([object('a', '1'), object('b', '2')])
  expect(store.replace(list)).toBe(changed)
})

test.each<[string, 'put' | 'remove', KubeObject, readonly string[]]>([
  ['an event of a new object adds it', 'put', object('b', '6'), ['a@5', 'b@6']],
  ['an event of a newer version replaces the object', 'put', object('a', '10'), ['a@10']],
  ['an event of an older version is ignored', 'put', object('a', '4'), ['a@5']],
  ['an event of the same version is ignored', 'put', object('a', '5'), ['a@5']],
  ['an event of a version that is no number replaces the object', 'put', object('a', 'x'), ['a@x']],
  ['a deletion removes the object', 'remove', object('a', '6'), []],
  ['a late deletion of an object that was created anew is ignored', 'remove', object('a', '4'), ['a@5']],
  ['a deletion of an unknown object is ignored', 'remove', object('b', '9'), ['a@5']],
])('%s', (_name, verb, about, expected) => {
  const store = newStore()
  store.replace([object('a', '5')])
  const before = held(store)
  expect(store[verb](about)).toBe(JSON.stringify(before) === JSON.stringify(expected) ? 'none' : 'changed')
  expect(held(store)).toEqual(expected)
})

/** An object whose label is what counts when two versions are compared. */
const labelled = (name: string, resourceVersion: string, label: string): KubeObject => {
  const { metadata, ...rest } = object(name, resourceVersion)
  return { ...rest, metadata: { ...metadata, labels: { is: label } } }
}

test.each<[string, (store: Store<KubeObject>) => Change, Change]>([
  ['an event of a version with the same label', (s) => s.put(labelled('a', '3', 'old')), 'renewed'],
  ['an event of a version with another label', (s) => s.put(labelled('a', '3', 'new')), 'changed'],
  [
    'a list of versions with the same labels',
    (s) => s.replace([labelled('a', '3', 'old'), labelled('b', '2', 'old')]),
    'renewed',
  ],
  [
    'a list with a version that has another label',
    (s) => s.replace([labelled('a', '3', 'old'), labelled('b', '3', 'new')]),
    'changed',
  ],
  ['a list with a new object', (s) => s.replace([labelled('a', '3', 'old'), labelled('c', '3', 'old')]), 'changed'],
])('where newer versions may count as the same, %s is told as what it is', (_name, news, change) => {
  const isSame = (a: KubeObject, b: KubeObject): boolean => a.metadata.labels?.['is'] === b.metadata.labels?.['is']
  const store = new Store<KubeObject>((o) => o, isSame)
  store.replace([labelled('a', '1', 'old'), labelled('b', '2', 'old')])
  const before = store.values()
  expect(store.values()).toBe(before)
  expect(news(store)).toBe(change)
  expect(store.values()).not.toBe(before)
  expect(store.get('ConfigMap n/a')?.metadata.resourceVersion).toBe('3')
})

test('objects of one name in two namespaces are held apart', () => {
  const store = newStore()
  const [here] = [object('a', '1')]
  store.put(here as KubeObject)
  store.put({ ...object('a', '2'), metadata: { name: 'a', namespace: 'other', resourceVersion: '2' } })
  expect(held(store)).toEqual(['a@1', 'a@2'])
  expect(store.get('ConfigMap other/a')).toEqual({ name: 'a', version: '2' })
})

test('a value that is held is deeply frozen', () => {
  const store = new Store((o) => ({ deep: { labels: o.metadata.labels } }))
  store.put({ ...object('a', '1'), metadata: { ...object('a', '1').metadata, labels: { x: 'y' } } })
  const [value] = store.values()
  expect(() => Object.assign(value?.deep.labels ?? {}, { x: 'z' })).toThrow(TypeError)
})

test('versions are ordered as numbers of any length', () => {
  const version = fc.bigInt({ min: 1n, max: 10n ** 30n })
  fc.assert(fc.property(version, version, (a, b) => isOlder(String(a), String(b)) === a < b))
  expect([isOlder('abc', '5'), isOlder('5', 'abc'), isOlder('', '5'), isOlder('5', '')]).toEqual([
    false,
    false,
    false,
    false,
  ])
})
