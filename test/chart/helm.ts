/** helm, where it is, and what it makes of the chart. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../cluster/api.ts'
import { programFile } from '../local/programs.ts'

export const chart = join(import.meta.dirname, '../../charts/relayfleet')
/** The release that tests install. */
export const release = 'relayfleet'

const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const helm = [programFile('helm'), join(caches, 'testbed/bin/helm')].find((f) => f !== undefined && existsSync(f))

/** For `describe.runIf`. No Debian package has helm, so its absence is told and no error, in CI too. */
export function helmInstalled(): boolean {
  if (helm === undefined) process.stderr.write('\n*** SKIPPED, the tests of the chart: there is no helm on PATH ***\n')
  return helm !== undefined
}

export type Values = Readonly<Record<string, unknown>>

export function runHelm(args: readonly string[], values?: Values) {
  const input = JSON.stringify(values ?? {})
  const all = values === undefined ? args : [...args, '--values', '-']
  const { status, stdout, stderr } = spawnSync(helm ?? 'helm', all, { input, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/**
 * The objects that an installation makes.
 * @throws Error with helm's words where it refuses
 */
export function rendered(values: Values = {}, namespace = 'relayfleet-system'): readonly KubeObject[] {
  const { status, stdout, stderr } = runHelm(['template', release, chart, '--namespace', namespace], values)
  if (status !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)
}
