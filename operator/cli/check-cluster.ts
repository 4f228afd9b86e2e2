/** `check` without a folder: finds what is wrong with the objects of a cluster, by their conditions and by compiling them. */
import { setTimeout as wait } from 'node:timers/promises'
import { snapshotOnce } from '../cluster/person/once.ts'
import { type Survey, survey } from '../cluster/person/survey.ts'
import { compile } from '../compile/compile.ts'
import type { Compiled } from '../compile/compiled.ts'
import { type Cluster, placeName } from './cluster-options.ts'
import { type Complaint, complaintsIn, inOrder, isBehind, speaker } from './complaint.ts'
import { complaintLine } from './complaint-line.ts'
import { preflight } from './preflight.ts'
import type { Terminal } from './terminal.ts'
import { withheldKinds } from './withheld.ts'

export type ClusterFindings = { readonly complaints: readonly Complaint[]; readonly objects: number }

/** @throws ApiError, Error */
export async function checkCluster(cluster: Cluster, signal: AbortSignal): Promise<ClusterFindings> {
  const before = await preflight(cluster, Date.now(), signal)
  const seen = await settled(cluster, signal)
  const complaints = complaintsIn(seen.declared.map(speaker), await compiledFindings(cluster, signal))
  return { complaints: inOrder([...before, ...withheldKinds(seen), ...complaints]), objects: seen.declared.length }
}

/** A running operator has looked at an edit within this time. */
const patienceMs = 5000
const pollMs = 250

/** Waits until the operator has looked at every edit, or patience is over. */
async function settled({ api, scope }: Cluster, signal: AbortSignal): Promise<Survey> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const seen = await survey(api, scope, signal)
    if (!seen.declared.map(speaker).some(isBehind) || performance.now() > deadline) return seen
    await wait(pollMs, undefined, { signal })
  }
}

/** What depends on namespaces that this user may not read is Unknown here; for that, the operator's conditions count. */
async function compiledFindings({ api, scope }: Cluster, signal: AbortSignal): Promise<Compiled['findings']> {
  const { snapshot } = await snapshotOnce(api, scope, signal)
  return compile(snapshot).findings
}

export function* clusterFindingLines(found: ClusterFindings, cluster: Cluster, terminal: Terminal): Generator<string> {
  const { complaints, objects } = found
  for (const complaint of complaints) yield complaintLine(complaint, terminal)
  const errors = complaints.filter((c) => c.severity === 'error').length
  const [where, all] = [placeName(cluster.scope), cluster.scope.namespace === undefined]
  if (errors > 0) yield terminal.style('bad', `${errors} ${errors === 1 ? 'error' : 'errors'} in ${where}`)
  else if (objects > 0) yield terminal.style('good', `no errors in the ${objects} objects of ${where}`)
  else
    yield terminal.style('warn', `there is no object of ours in ${where}${all ? '' : '; -A looks into all namespaces'}`)
}
