/** Objects that the operator made are found by their fleet, and only some of their changes count. */
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
  ['a change of the status does not count', changed({ resourceVersion: '6' }, { status: { readyReplicas: 2 } }), true],
  ['a change of managedFields does not count', changed({ resourceVersion: '6', managedFields: [] }), true],
  ['a change of the spec counts', changed({ resourceVersion: '6' }, { spec: { replicas: 3 } }), false],
  ['a change of a label counts', changed({ labels: {} }), false],
  ['a change of an annotation counts', changed({ annotations: { a: 'b' } }), false],
  ['a deletion counts', changed({ deletionTimestamp: '2026-01-01T00:00:00Z' }), false],
  ['another object of the same name counts', changed({ uid: 'other' }), false],
])('%s', (_name, after, isSame) => {
  expect(isSameMade(madeIn(base), madeIn(after))).toBe(isSame)
})

test('an object belongs to the fleet of its label and namespace', () => {
  const list = [base, changed({ namespace: 'other' }), changed({ name: 'nobodys', labels: {} })].map(madeIn)
  const of = byFleet(() => list)
  expect(of('mail/shared').map((m) => m.object.metadata.namespace)).toEqual(['mail'])
  expect(of('other/shared').map((m) => m.object.metadata.namespace)).toEqual(['other'])
  expect(of('mail/nobodys')).toEqual([])
})

test('a remembered result is made again only when one of its lists is another', () => {
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
