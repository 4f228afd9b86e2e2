/** Two that overwrite each other are told as a struggle for the object, and late news of a write is not. */
import { expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { Struggles } from '../../../../operator/cluster/fleets/struggle.ts'

const budget = (resourceVersion: string, minAvailable: number): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { namespace: 'mail', name: 'shared', resourceVersion },
  spec: { minAvailable },
})
const desired: KubeObject = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { namespace: 'mail', name: 'shared' },
  spec: { minAvailable: 1 },
}

/** What is told of ten writes, a second apart, given what was seen before each of them. */
function told(seen: (n: number) => KubeObject, written: (n: number) => KubeObject): readonly (string | undefined)[] {
  const struggles = new Struggles()
  return Array.from({ length: 10 }, (_, n) => struggles.wrote(desired, seen(n), written(n), n * 1000))
}

test('a field that is set back after each write is told as a struggle from the sixth write on', () => {
  const found = told(
    (n) => budget(`${2 * n + 1}`, 9),
    (n) => budget(`${2 * n + 2}`, 1),
  )
  expect(found.map((words) => words !== undefined)).toEqual([...Array(5).fill(false), ...Array(5).fill(true)])
  expect(found.at(-1)).toMatch(/^PodDisruptionBudget mail\/shared: \.spec\.minAvailable is set otherwise each time/)
})

test('the same old version, which a late watch shows again and again, is no struggle', () => {
  const found = told(
    () => budget('1', 9),
    () => budget('2', 1),
  )
  expect(found).toEqual(Array(10).fill(undefined))
})

test('writes that change nothing are no struggle', () => {
  const found = told(
    () => budget('1', 9),
    () => budget('1', 9),
  )
  expect(found).toEqual(Array(10).fill(undefined))
})
