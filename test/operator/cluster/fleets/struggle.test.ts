/** What is told as a struggle for an object, and what is not. */
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

/** Ten writes, a second apart, over what is seen before each. */
function told(seen: (n: number) => KubeObject, written: (n: number) => KubeObject): readonly (string | undefined)[] {
  const struggles = new Struggles()
  return Array.from({ length: 10 }, (_, n) => struggles.wrote(desired, seen(n), written(n), n * 1000))
}

test('what is otherwise again after each write is a struggle from the sixth on', () => {
  const found = told(
    (n) => budget(`${2 * n + 1}`, 9),
    (n) => budget(`${2 * n + 2}`, 1),
  )
  expect(found.map((words) => words !== undefined)).toEqual([...Array(5).fill(false), ...Array(5).fill(true)])
  expect(found.at(-1)).toMatch(/^PodDisruptionBudget mail\/shared: \.spec\.minAvailable is set otherwise each time/)
})

test('a watch that tells late of what was written shows the same version again: nobody struggles', () => {
  const found = told(
    () => budget('1', 9),
    () => budget('2', 1),
  )
  expect(found).toEqual(Array(10).fill(undefined))
})

test('a write that changes nothing is no struggle', () => {
  const found = told(
    () => budget('1', 9),
    () => budget('1', 9),
  )
  expect(found).toEqual(Array(10).fill(undefined))
})
