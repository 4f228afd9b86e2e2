/** Objects by their fleet, and which of their changes are any. */
import { expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { byFleet, isSameMade, madeIn } from '../../../../operator/cluster/watch/made.ts'
import { remembered } from '../../../../operator/cluster/watch/remembered.ts'

const base: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: {
    name: 'shared',
    namespace: 'mail',
    resourceVersion: '5',
    generation: 2,
    labels: { 'relayfleet.dev/policy': 'shared' },
    managedFields: [{ manager: 'relayfleet', operation: 'Apply' }],
  },
  spec: { replicas: 2 },
  status: { readyReplicas: 1 },
}
const changed = (metadata: object, more: object = {}): KubeObject => ({
  ...base,
  metadata: { ...base.metadata, ...metadata },
  ...more,
})

test.each<[string, KubeObject, boolean]>([
  ['its status', changed({ resourceVersion: '6' }, { status: { readyReplicas: 2 } }), true],
  ['who reported it', changed({ resourceVersion: '6', managedFields: [] }), true],
  ['its spec', changed({ resourceVersion: '6' }, { spec: { replicas: 3 } }), false],
  ['a label', changed({ labels: {} }), false],
  ['an annotation', changed({ annotations: { a: 'b' } }), false],
  ['that it is being deleted', changed({ deletionTimestamp: '2026-01-01T00:00:00Z' }), false],
  ['that it is another one of its name', changed({ uid: 'other' }), false],
])('%s', (_name, after, isSame) => {
  expect(isSameMade(madeIn(base), madeIn(after))).toBe(isSame)
})

test("an object is its fleet's by label and namespace", () => {
  const list = [base, changed({ namespace: 'other' }), changed({ name: 'nobodys', labels: {} })].map(madeIn)
  const of = byFleet(() => list)
  expect(of('mail/shared').map((m) => m.object.metadata.namespace)).toEqual(['mail'])
  expect(of('other/shared').map((m) => m.object.metadata.namespace)).toEqual(['other'])
  expect(of('mail/nobodys')).toEqual([])
})

test('a list is looked through once, and once more when there is another', () => {
  let list: readonly number[] = [1]
  let looks = 0
  const sum = remembered(
    () => [list, [] as const],
    (all) => {
      looks += 1
      return all.reduce((a, b) => a + b, 0)
    },
  )
  const same: readonly (readonly number[])[] = [[1], [2]]
  const both = remembered(
    () => same,
    (all) => all.length,
  )
  expect([both(), both()]).toEqual([2, 2])
  expect([sum(), looks]).toEqual([1, 1])
  list = [1, 2]
  expect([sum(), looks]).toEqual([3, 2])
})
