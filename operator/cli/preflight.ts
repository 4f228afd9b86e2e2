/** Checks what any object in a cluster depends on: that our kinds are served, and that an operator is running. */
import { crdName, type Installed, installed } from '../cluster/person/installed.ts'
import { type OperatorLease, operatorLeases } from '../cluster/person/operator-lease.ts'
import type { Cluster } from './cluster-options.ts'
import type { Complaint } from './complaint.ts'

/** @throws Error where our kinds are not served, since there is nothing else to ask then. */
export async function requireKinds({ wire }: Pick<Cluster, 'wire'>, signal: AbortSignal): Promise<Installed> {
  const found = await installed(wire, signal)
  if (found.missing.length === 0) return found
  throw new Error(
    `this cluster does not know ${found.missing.map(crdName).join(', ')}: the CRDs are not installed, or the --context is ` +
      'another one; install them with the chart (helm install relayfleet …) or with kubectl apply -f crds/',
  )
}

/** @throws ApiError, Error */
export async function preflight(cluster: Cluster, now: number, signal: AbortSignal): Promise<readonly Complaint[]> {
  const kinds = await requireKinds(cluster, signal)
  return [...versionComplaints(kinds), ...leaseComplaints(await operatorLeases(cluster.api, signal), now)]
}

function versionComplaints({ unknown, newer }: Installed): readonly Complaint[] {
  const about = (fields: readonly string[], message: string): readonly Complaint[] =>
    fields.length === 0
      ? []
      : [{ severity: 'warning', object: 'CustomResourceDefinitions', reason: 'OtherVersion', message }]
  return [
    ...about(unknown, `the cluster does not know ${shown(unknown)}; install the CRDs of this version`),
    ...about(newer, `the cluster knows ${shown(newer)} and this relayfleet does not; use the newer relayfleet`),
  ]
}

/** A few fields are enough to recognise the version. */
const shown = (fields: readonly string[]): string => {
  const rest = fields.length - 3
  return `${fields.slice(0, 3).join(', ')}${rest > 0 ? ` and ${rest} more fields` : ''}`
}

/** Much longer than a Lease lasts, so that a small difference of clocks does not matter. */
const patienceMs = 60_000

/** Complains only if no Lease is being renewed: an old Lease may be left over from an operator that another one has replaced. */
function leaseComplaints(leases: readonly OperatorLease[] = [], now: number): readonly Complaint[] {
  const silent = leases.filter(({ holder, renewedAt }) => holder === '' || now - renewedAt > patienceMs)
  if (silent.length < leases.length) return []
  return silent.map(({ name, holder, renewedAt }) => {
    const since =
      holder === '' ? 'nobody holds it' : `${holder} holds it and was last heard ${minutes(now - renewedAt)} ago`
    const message = `${since}: the operator is not running, so no edit takes effect; the relays go on. ${lookAtPods(name)}`
    return { severity: 'error', object: `Lease ${name}`, reason: 'OperatorNotRunning', message }
  })
}

const minutes = (ms: number): string => `${Math.floor(ms / 60_000)} min`

const lookAtPods = (lease: string): string =>
  `Look: kubectl get pods -n ${lease.split('/')[0]} -l app.kubernetes.io/name=relayfleet,app.kubernetes.io/component=operator`
