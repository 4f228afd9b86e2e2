/** The overview of a cluster: from the statuses, and from the pods themselves where the person may ask them. */
import { asked, listPods, type SeenPod, type SeenPods } from '../cluster/person/seen-pods.ts'
import { type Scope, survey } from '../cluster/person/survey.ts'
import { wrongIn } from '../cluster/statuses/relay-report.ts'
import type { DeclaredObject } from '../cluster/watch/declared.ts'
import { isOf, type Name, nameIn, nameOf, referred } from '../compile/snapshot.ts'
import { waitingIn } from '../waiting.ts'
import { missingRight } from './api-trouble.ts'
import { type Cluster, placeName } from './cluster-options.ts'
import { complaintsIn, inOrder, speaker, writtenIn } from './complaint.ts'
import {
  counted,
  credentialViews,
  type FleetView,
  type Overview,
  type PodView,
  policiesCalled,
  readyOf,
} from './overview.ts'
import { preflight } from './preflight.ts'
import { withheldKinds } from './withheld.ts'

/** `live`: ask the pods as well, instead of only reading what the operator wrote. */
export type Look = { readonly name?: string; readonly live: boolean }

/** @throws ApiError, Error; UsageError where there is no fleet of that name */
export async function clusterOverview(cluster: Cluster, look: Look, signal: AbortSignal): Promise<Overview> {
  const before = await preflight(cluster, Date.now(), signal)
  const seen = await survey(cluster.api, cluster.scope, signal)
  const declared = look.name === undefined ? seen.declared : about(look.name, seen.declared, cluster.scope)
  const pods = look.live ? await pagesOf(cluster, signal) : { pods: [] }
  const findings = inOrder([...before, ...withheldKinds(seen), ...complaintsIn(declared.map(speaker))])
  return {
    fleets: policiesIn(declared).map((policy) => fleetView(policy, pods)),
    credentials: credentialViews(declared.map(({ ref, status }) => [ref, status])),
    findings,
    objects: counted(declared.map((o) => ({ ref: o.ref, conditions: writtenIn(o).conditions }))),
    notes: notesOn(pods),
  }
}

const pagesOf = async (cluster: Cluster, signal: AbortSignal): Promise<SeenPods> =>
  asked(await listPods(cluster, signal), cluster, signal)

const policiesIn = (declared: readonly DeclaredObject[]): readonly DeclaredObject[] =>
  declared.filter(({ ref }) => isOf(ref, 'RelayPolicy'))

/** A fleet and its credentials. */
function about(name: string, declared: readonly DeclaredObject[], scope: Scope): readonly DeclaredObject[] {
  const policies = policiesIn(declared).map(({ ref }) => nameIn(ref))
  const wanted: readonly (Name | undefined)[] = policiesCalled(name, policies, ` in ${placeName(scope)}`)
  return declared.filter((object) => wanted.includes(fleetOf(object)))
}

/** Of one with an error, too: where its fleet is looked at, people look for what is wrong with its credentials. */
function fleetOf(object: DeclaredObject): Name | undefined {
  const { kind, spec, ...its } = object.is === 'valid' ? object.resource : object.invalid
  if (kind === 'RelayPolicy') return nameOf(its)
  if (kind !== 'RelayCredential') return undefined
  const { policyRef } = (spec ?? {}) as { readonly policyRef?: { readonly name: string; readonly namespace?: string } }
  return policyRef && referred(policyRef, its)
}

/** The fields of a policy's status that are shown. */
type PolicyStatus = {
  readonly configHash?: string
  readonly listeners?: readonly { readonly name: string; readonly address: string; readonly credentials?: number }[]
  readonly pods?: readonly PodView[]
}

function fleetView(policy: DeclaredObject, seen: SeenPods): FleetView {
  const { configHash, listeners = [], pods = [] } = policy.status as PolicyStatus
  const name = nameIn(policy.ref)
  const spec = policy.is === 'valid' && policy.resource.kind === 'RelayPolicy' ? policy.resource.spec : undefined
  const own = seen.pods.filter(({ fleet }) => fleet === name)
  return {
    name,
    ...(spec !== undefined && { environment: spec.environment, wanted: spec.replicas }),
    ready: readyOf(writtenIn(policy).conditions),
    ...(configHash !== undefined && { configHash }),
    listeners: listeners.map(({ name, address }) => ({ name, address })),
    credentials: listeners[0]?.credentials ?? 0,
    pods: own.length > 0 ? own.map((pod) => podView(pod, pods)) : pods.map(({ name, ...rest }) => ({ name, ...rest })),
  }
}

/** What the pod itself reports goes before what the policy's status says of it. */
function podView({ name, ready, waiting, report }: SeenPod, written: readonly PodView[]): PodView {
  const { configHash, queued } = written.find((p) => p.name === name) ?? {}
  const why = waiting ?? (report && wrongIn(report))
  const hash = report?.hash ?? configHash
  const waits = report === undefined ? queued : waitingIn(report.queue)
  return {
    name,
    ready,
    ...(why !== undefined && why !== '' && { why }),
    ...(hash !== undefined && { configHash: hash }),
    ...(waits !== undefined && { queued: waits }),
    ...(report !== undefined && { oldestSeconds: report.queue.oldestSeconds }),
  }
}

const asWritten = 'queues are as the statuses tell, in round figures and up to a minute old'

function notesOn({ pods, withheld }: SeenPods): readonly string[] {
  if (withheld !== undefined) return [`${asWritten}: ${missingRight(withheld)}`]
  const silent = pods
    .filter((p) => p.ready && p.report === undefined)
    .map(({ namespace, name }) => `${namespace}/${name}`)
  if (silent.length === 0) return []
  return [
    `${asWritten}, for ${silent.join(', ')}: no answer through the API server; does a NetworkPolicy stand between?`,
  ]
}
