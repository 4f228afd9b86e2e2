/** Runs helm, if it is there, and gives the objects that it renders from the chart. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../cluster/api.ts'
import { chartProgram, chartProgramInstalled } from '../cluster/programs.ts'

export const chart = join(import.meta.dirname, '../../charts/relayfleet')
/** The release that tests install. */
export const release = 'relayfleet'

const helm = chartProgram('helm', process.env)

/**
 * Whether a suite can run, for `describe.runIf`.
 * @throws Error in CI if Go is installed, which could have compiled helm
 */
export const helmInstalled = (): boolean => chartProgramInstalled('helm', process.env)

export type Values = Readonly<Record<string, unknown>>

export function runHelm(args: readonly string[], values?: Values) {
  const input = JSON.stringify(values ?? {})
  const all = values === undefined ? args : [...args, '--values', '-']
  const { status, stdout, stderr } = spawnSync(helm ?? 'helm', all, { input, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/**
 * The objects that an installation with these values makes.
 * @throws Error with helm's words where it refuses
 */
export function rendered(values: Values = {}, namespace = 'relayfleet-system'): readonly KubeObject[] {
  const { status, stdout, stderr } = runHelm(['template', release, chart, '--namespace', namespace], values)
  if (status !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)
}
