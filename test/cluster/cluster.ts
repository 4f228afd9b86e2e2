/** The cluster of this test run, for suites that need it. */
import { inject } from 'vitest'
import type { Cluster } from './held.ts'

export type { Cluster } from './held.ts'

/** Undefined if there is none, which the test run has said already. For `describe.runIf(given !== undefined)`. */
export const givenCluster = (): Cluster | undefined => inject('cluster')

/**
 * For the inside of a suite that runs only with a cluster.
 * @throws Error if there is none
 */
export function theCluster(): Cluster {
  const cluster = givenCluster()
  if (cluster === undefined) throw new Error('this suite has no cluster')
  return cluster
}
