/** Starts one cluster for a whole test run and hands it to the tests; without one, says so loudly, and fails in CI. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { programFile } from '../local/programs.ts'
import { type Choice, choose, type Facts, type Tier } from './choose.ts'
import type { Cluster } from './held.ts'
import { keep } from './keep.ts'
import { builtProgram } from './programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    cluster: Cluster | undefined
  }
}

const existing = (file: string): string | undefined => (existsSync(file) ? file : undefined)

const facts = (): Facts => ({
  env: process.env,
  asset: (name) => existing(join(process.env['KUBEBUILDER_ASSETS'] ?? '/nowhere', name)),
  built: (name) => builtProgram(name, process.env),
  onPath: programFile,
  testbed: existing(join(import.meta.dirname, '../../../shared/testbed/testbed')),
})

/** Chooses by what there is on this machine. */
export const chosenFor = (tier: Tier): Choice => choose(tier, facts())

/** @throws Error in CI, where nothing may be skipped. */
export async function startFor(project: TestProject, tier: Tier): Promise<(() => Promise<void>) | undefined> {
  const choice = chosenFor(tier)
  if (choice.kind === 'none') {
    if (process.env['CI'] !== undefined) throw new Error(choice.why)
    process.stderr.write(`\n*** SKIPPED, the tests on a cluster (${tier}): ${choice.why} ***\n`)
    project.provide('cluster', undefined)
    return undefined
  }
  const begin = performance.now()
  const { cluster, stop } = await keep(tier, choice)
  process.stderr.write(`cluster (${choice.kind}) ready after ${((performance.now() - begin) / 1000).toFixed(1)} s\n`)
  project.provide('cluster', cluster)
  return stop
}
