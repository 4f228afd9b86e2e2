/** What a store holds after lists and events, in order and out of it. */
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
  ['in another order, too', [object('b', '2'), object('a', '1')], 'none'],
  ['a new version is a change', [object('a', '1'), object('b', '3')], 'changed'],
  ['one that is gone is a change', [object('a', '1')], 'changed'],
  ['one instead of another is a change', [object('a', '1'), object('c', '2')], 'changed'],
])('%s', (_name, list, changed) => {
  const store = newStore()
  store.replace([object('a', '1'), object('b', '2')])
  expect(store.replace(list)).toBe(changed)
})

test.each<[string, 'put' | 'remove', KubeObject, readonly string[]]>([
  ['a new object', 'put', object('b', '6'), ['a@5', 'b@6']],
  ['a younger version', 'put', object('a', '10'), ['a@10']],
  ['an older version is no news', 'put', object('a', '4'), ['a@5']],
  ['the same version is no news', 'put', object('a', '5'), ['a@5']],
  ['a version that is no number is taken as it comes', 'put', object('a', 'x'), ['a@x']],
  ['a deletion', 'remove', object('a', '6'), []],
  ['a deletion of one that was made anew since', 'remove', object('a', '4'), ['a@5']],
  ['a deletion of what is not there', 'remove', object('b', '9'), ['a@5']],
])('%s', (_name, verb, about, expected) => {
  const store = newStore()
  store.replace([object('a', '5')])
  const before = held(store)
  expect(store[verb](about)).toBe(JSON.stringify(before) === JSON.stringify(expected) ? 'none' : 'changed')
  expect(held(store)).toEqual(expected)
})

/** Only the value matters. */
const labelled = (name: string, resourceVersion: string, label: string): KubeObject => {
  const { metadata, ...rest } = object(name, resourceVersion)
  return { ...rest, metadata: { ...metadata, labels: { is: label } } }
}

test.each<[string, (store: Store<KubeObject>) => Change, Change]>([
  ['an event of a version that is the same', (s) => s.put(labelled('a', '3', 'old')), 'renewed'],
  ['an event of one that differs', (s) => s.put(labelled('a', '3', 'new')), 'changed'],
  ['a list of the same', (s) => s.replace([labelled('a', '3', 'old'), labelled('b', '2', 'old')]), 'renewed'],
  ['one that differs in a list', (s) => s.replace([labelled('a', '3', 'old'), labelled('b', '3', 'new')]), 'changed'],
  ['one that is new in a list', (s) => s.replace([labelled('a', '3', 'old'), labelled('c', '3', 'old')]), 'changed'],
])('where versions may be the same: %s', (_name, news, change) => {
  const isSame = (a: KubeObject, b: KubeObject): boolean => a.metadata.labels?.['is'] === b.metadata.labels?.['is']
  const store = new Store<KubeObject>((o) => o, isSame)
  store.replace([labelled('a', '1', 'old'), labelled('b', '2', 'old')])
  const before = store.values()
  expect(store.values()).toBe(before)
  expect(news(store)).toBe(change)
  expect(store.values()).not.toBe(before)
  expect(store.get('ConfigMap n/a')?.metadata.resourceVersion).toBe('3')
})

test('objects of one name in two namespaces are two', () => {
  const store = newStore()
  const [here] = [object('a', '1')]
  store.put(here as KubeObject)
  store.put({ ...object('a', '2'), metadata: { name: 'a', namespace: 'other', resourceVersion: '2' } })
  expect(held(store)).toEqual(['a@1', 'a@2'])
  expect(store.get('ConfigMap other/a')).toEqual({ name: 'a', version: '2' })
})

test('what is held is frozen to its leaves', () => {
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
