/** What a store holds after lists and events, in order and out of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../../operator/cluster/object.ts'
import { isOlder } from '../../../operator/cluster/resource-version.ts'
import { Store } from '../../../operator/cluster/store.ts'

const object = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'n', resourceVersion },
})
const newStore = () => new Store((o) => ({ name: o.metadata.name, version: o.metadata.resourceVersion }))
const held = (store: ReturnType<typeof newStore>) => store.values().map((v) => `${v.name}@${v.version}`)

test('a list replaces everything', () => {
  const store = newStore()
  expect(store.replace([object('a', '1'), object('b', '2')])).toBe(true)
  expect(store.replace([object('b', '3'), object('c', '4')])).toBe(true)
  expect(held(store)).toEqual(['b@3', 'c@4'])
})

test.each<[string, readonly KubeObject[], boolean]>([
  ['the same list changes nothing', [object('a', '1'), object('b', '2')], false],
  ['in another order, too', [object('b', '2'), object('a', '1')], false],
  ['a new version is a change', [object('a', '1'), object('b', '3')], true],
  ['one that is gone is a change', [object('a', '1')], true],
  ['one instead of another is a change', [object('a', '1'), object('c', '2')], true],
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
  expect(store[verb](about)).toBe(JSON.stringify(before) !== JSON.stringify(expected))
  expect(held(store)).toEqual(expected)
})

test('objects of one name in two namespaces are two', () => {
  const store = newStore()
  const [here] = [object('a', '1')]
  store.put(here as KubeObject)
  store.put({ ...object('a', '2'), metadata: { name: 'a', namespace: 'other', resourceVersion: '2' } })
  expect(held(store)).toEqual(['a@1', 'a@2'])
  expect(store.get('other/a')).toEqual({ name: 'a', version: '2' })
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
