/** Whose an object is, what marks it as ours, and what a fleet may remove. */
import { describe, expect, test } from 'vitest'
import type { KubeObject, ObjectMeta } from '../../../../operator/cluster/api/object.ts'
import { holds } from '../../../../operator/cluster/write/holds.ts'
import { belongingOf, fleetOwner, hashAnnotation, marked } from '../../../../operator/cluster/write/ownership.ts'
import { superfluous } from '../../../../operator/cluster/write/prune.ts'

const owner = fleetOwner({ namespace: 'mail', name: 'shared', uid: 'u1' })
const map = (metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'm', namespace: 'mail', ...metadata },
})
const labels = { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' }
const controller = { ...owner.reference }

describe('an object', () => {
  test.each<[string, KubeObject, ReturnType<typeof belongingOf>]>([
    ['that we marked', marked(map(), owner), 'ours'],
    ['with our labels and no owner', map({ labels }), 'ours'],
    ['without labels', map(), 'foreign'],
    [
      'of somebody else with the same policy label',
      map({ labels: { ...labels, 'app.kubernetes.io/managed-by': 'Helm' } }),
      'foreign',
    ],
    ['of another fleet', map({ labels: { ...labels, 'relayfleet.dev/policy': 'other' } }), 'foreign'],
    [
      'that something else controls',
      map({ labels, ownerReferences: [{ ...controller, kind: 'ReplicaSet' }] }),
      'foreign',
    ],
    [
      'that a policy of another group controls',
      map({ labels, ownerReferences: [{ ...controller, apiVersion: 'x.example/v1' }] }),
      'foreign',
    ],
    [
      'of a fleet of that name that was deleted',
      map({ labels, ownerReferences: [{ ...controller, uid: 'u0' }] }),
      'leaving',
    ],
    ['that is being deleted', { ...marked(map({ deletionTimestamp: 'now' }), owner) }, 'leaving'],
    [
      'of another version of our kinds',
      map({ labels, ownerReferences: [{ ...controller, apiVersion: 'relayfleet.dev/v1' }] }),
      'ours',
    ],
  ])('%s', (_name, object, expected) => {
    expect(belongingOf(object, owner)).toBe(expected)
  })
})

describe('a mark', () => {
  const hash = (object: KubeObject): string => marked(object, owner).metadata.annotations?.[hashAnnotation] ?? ''

  test('is the same for the same object, in whatever order it was written', () => {
    expect(hash({ ...map(), data: { a: '1', b: '2' } })).toBe(hash({ ...map(), data: { b: '2', a: '1' } }))
    expect(hash({ ...map(), data: undefined })).toBe(hash(map()))
  })

  test.each<[string, KubeObject]>([
    ['a value', { ...map(), data: { a: '2' } }],
    ['a field that is no longer there', map()],
    ['a label', { ...map({ labels: { x: 'y' } }), data: { a: '1' } }],
    ['the order of a list', { ...map(), data: { a: '1' }, list: [2, 1] }],
  ])('differs with %s', (_name, other) => {
    expect(hash(other)).not.toBe(hash({ ...map(), data: { a: '1' } }))
  })

  test('keeps what the object said itself', () => {
    const { metadata } = marked(map({ labels: { x: 'y' }, annotations: { a: 'b' } }), owner)
    expect(metadata.labels).toEqual({ ...labels, x: 'y' })
    expect(metadata.annotations).toMatchObject({ a: 'b' })
    expect(metadata.ownerReferences).toEqual([owner.reference])
  })
})

describe('what was applied is held by', () => {
  test.each<[string, unknown, unknown, boolean]>([
    ['the same', { a: [1, { b: 'c' }] }, { a: [1, { b: 'c' }] }, true],
    ['more fields, deep inside too', { a: [{ b: 'c', d: 1 }], e: 2 }, { a: [{ b: 'c' }] }, true],
    ['not: another value', { a: 2 }, { a: 1 }, false],
    ['not: a missing field', {}, { a: 1 }, false],
    ['not: a longer list', { a: [1, 2] }, { a: [1] }, false],
    ['not: another order', { a: [2, 1] }, { a: [1, 2] }, false],
    ['not: text for a number', { a: '1' }, { a: 1 }, false],
    ['not: a list for an object', { a: [] }, { a: { 0: 1 } }, false],
    ['an empty object that was left out', {}, { a: {} }, true],
    ['what was never said', { a: 1 }, { a: undefined }, true],
  ])('%s', (_name, observed, desired, expected) => {
    expect(holds(observed, desired)).toBe(expected)
  })
})

describe('removed is', () => {
  const named = (name: string, metadata: Partial<ObjectMeta> = {}): KubeObject =>
    marked(map({ name, ...metadata }), owner)
  test.each<[string, readonly KubeObject[], readonly KubeObject[], readonly string[]]>([
    ['what is no longer wanted', [named('a'), named('b')], [named('a')], ['b']],
    ['nothing that is wanted', [named('a')], [named('a')], []],
    ['one kind, not another of the same name', [named('a'), { ...named('a'), kind: 'Secret' }], [named('a')], ['a']],
    ['nothing that only has our labels', [map({ labels })], [], []],
    ['nothing of another fleet', [marked(map(), fleetOwner({ namespace: 'mail', name: 'other', uid: 'u2' }))], [], []],
    ['nothing that is going anyway', [named('a', { deletionTimestamp: 'now' })], [], []],
  ])('%s', (_name, observed, desired, expected) => {
    expect(superfluous(observed, desired, owner).map((o) => o.metadata.name)).toEqual(expected)
  })
})
