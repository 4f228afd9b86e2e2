/** What a suite asks for: the cluster of this test run, where there is one. */
import { inject } from 'vitest'
import type { Cluster } from './held.ts'

export type { Cluster } from './held.ts'

/** Undefined where none could be had; the test run has said so. For `describe.runIf(given !== undefined)`. */
export const givenCluster = (): Cluster | undefined => inject('cluster')

/** @throws Error where there is none; inside a suite that only runs with one. */
export function theCluster(): Cluster {
  const cluster = givenCluster()
  if (cluster === undefined) throw new Error('this suite has no cluster')
  return cluster
}
