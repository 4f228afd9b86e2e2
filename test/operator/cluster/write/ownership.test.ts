/** Labels, owner and a hash tell whose an object is, whether it is as it was applied, and which objects a fleet may remove. */
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
    ['that we marked is ours', marked(map(), owner), 'ours'],
    ['with our labels and no owner is ours', map({ labels }), 'ours'],
    ['without labels is foreign', map(), 'foreign'],
    [
      'with our policy label that somebody else manages is foreign',
      map({ labels: { ...labels, 'app.kubernetes.io/managed-by': 'Helm' } }),
      'foreign',
    ],
    ['of another fleet is foreign', map({ labels: { ...labels, 'relayfleet.dev/policy': 'other' } }), 'foreign'],
    [
      'that another kind of object controls is foreign',
      map({ labels, ownerReferences: [{ ...controller, kind: 'ReplicaSet' }] }),
      'foreign',
    ],
    [
      'that a policy of another API group controls is foreign',
      map({ labels, ownerReferences: [{ ...controller, apiVersion: 'x.example/v1' }] }),
      'foreign',
    ],
    [
      'of a deleted policy of the same name is leaving',
      map({ labels, ownerReferences: [{ ...controller, uid: 'u0' }] }),
      'leaving',
    ],
    ['that is being deleted is leaving', { ...marked(map({ deletionTimestamp: 'now' }), owner) }, 'leaving'],
    [
      'that our policy in another API version controls is ours',
      map({ labels, ownerReferences: [{ ...controller, apiVersion: 'relayfleet.dev/v1' }] }),
      'ours',
    ],
  ])('%s', (_name, object, expected) => {
    expect(belongingOf(object, owner)).toBe(expected)
  })
})

describe('the mark on an object', () => {
  const hash = (object: KubeObject): string => marked(object, owner).metadata.annotations?.[hashAnnotation] ?? ''

  test('has the same hash for the same object, whatever the order of its fields', () => {
    expect(hash({ ...map(), data: { a: '1', b: '2' } })).toBe(hash({ ...map(), data: { b: '2', a: '1' } }))
    expect(hash({ ...map(), data: undefined })).toBe(hash(map()))
  })

  test.each<[string, KubeObject]>([
    ['another value', { ...map(), data: { a: '2' } }],
    ['a missing field', map()],
    ['another label', { ...map({ labels: { x: 'y' } }), data: { a: '1' } }],
    ['another order of a list', { ...map(), data: { a: '1' }, list: [2, 1] }],
  ])('has another hash with %s', (_name, other) => {
    expect(hash(other)).not.toBe(hash({ ...map(), data: { a: '1' } }))
  })

  test('leaves the labels and annotations that the object had, and adds ours and the owner', () => {
    const { metadata } = marked(map({ labels: { x: 'y' }, annotations: { a: 'b' } }), owner)
    expect(metadata.labels).toEqual({ ...labels, x: 'y' })
    expect(metadata.annotations).toMatchObject({ a: 'b' })
    expect(metadata.ownerReferences).toEqual([owner.reference])
  })
})

describe('of an applied object, an observed one', () => {
  test.each<[string, unknown, unknown, boolean]>([
    ['holds all if it is the same', { a: [1, { b: 'c' }] }, { a: [1, { b: 'c' }] }, true],
    ['holds all with more fields, also deep inside', { a: [{ b: 'c', d: 1 }], e: 2 }, { a: [{ b: 'c' }] }, true],
    ['does not hold all with another value', { a: 2 }, { a: 1 }, false],
    ['does not hold all with a missing field', {}, { a: 1 }, false],
    ['does not hold all with a longer list', { a: [1, 2] }, { a: [1] }, false],
    ['does not hold all with a list in another order', { a: [2, 1] }, { a: [1, 2] }, false],
    ['does not hold all with text in place of a number', { a: '1' }, { a: 1 }, false],
    ['does not hold all with a list in place of an object', { a: [] }, { a: { 0: 1 } }, false],
    ['holds all without an object that was empty', {}, { a: {} }, true],
    ['holds all where the applied field was undefined', { a: 1 }, { a: undefined }, true],
  ])('%s', (_name, observed, desired, expected) => {
    expect(holds(observed, desired)).toBe(expected)
  })
})

describe('a fleet removes', () => {
  const named = (name: string, metadata: Partial<ObjectMeta> = {}): KubeObject =>
    marked(map({ name, ...metadata }), owner)
  test.each<[string, readonly KubeObject[], readonly KubeObject[], readonly string[]]>([
    ['an object that is no longer wanted', [named('a'), named('b')], [named('a')], ['b']],
    ['no object that is wanted', [named('a')], [named('a')], []],
    [
      'an object of one kind, and not another kind of the same name',
      [named('a'), { ...named('a'), kind: 'Secret' }],
      [named('a')],
      ['a'],
    ],
    ['no object that only has our labels', [map({ labels })], [], []],
    [
      'no object of another fleet',
      [marked(map(), fleetOwner({ namespace: 'mail', name: 'other', uid: 'u2' }))],
      [],
      [],
    ],
    ['no object that is being deleted already', [named('a', { deletionTimestamp: 'now' })], [], []],
  ])('%s', (_name, observed, desired, expected) => {
    expect(superfluous(observed, desired, owner).map((o) => o.metadata.name)).toEqual(expected)
  })
})
