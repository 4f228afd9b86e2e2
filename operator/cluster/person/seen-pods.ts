/** The relays' pods with the rights of a person: listed, and each asked for its status page through the API server. */
import type { Name } from '../../compile/snapshot.ts'
import type { Api } from '../api/api.ts'
import { type ApiError, isForbidden } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { wholeList } from '../api/whole-list.ts'
import type { Wire } from '../api/wire.ts'
import { type RelayReport, relayReport } from '../statuses/relay-report.ts'
import { type RelayPod, relayPodOf } from '../watch/relay-pod.ts'
import { oursSelector, policyLabel } from '../write/ownership.ts'
import { pageSize, type Scope } from './survey.ts'

export type SeenPod = RelayPod & {
  readonly fleet: Name
  /** Absent where its page did not answer, or may not be asked. */
  readonly report?: RelayReport
}

export type SeenPods = {
  readonly pods: readonly SeenPod[]
  /** What the API server said of a right that is missing: to list the pods, or to reach their pages. */
  readonly withheld?: ApiError
}

type Door = { readonly api: Api; readonly wire: Wire; readonly scope: Scope }

/** How long one page is waited for, so that a pod that hangs delays nobody. */
const answerMs = 3000
/** How many pods are asked at a time. */
const mostAsked = 16

/**
 * The pods, without those that are being deleted; none, and `withheld`, where they may not be listed.
 * @throws ApiError for everything else
 */
export async function listPods({ api, scope }: Pick<Door, 'api' | 'scope'>, signal: AbortSignal): Promise<SeenPods> {
  try {
    const only = { ...scope, labelSelector: `${oursSelector},${policyLabel}` }
    const { items } = await wholeList(api, resources.pods, only, { limit: pageSize, signal })
    return { pods: items.map(seen).filter(({ leaving }) => !leaving) }
  } catch (error) {
    if (isForbidden(error)) return { pods: [], withheld: error as ApiError }
    throw error
  }
}

const seen = (object: KubeObject): SeenPod => {
  const { namespace = '', labels = {} } = object.metadata
  return { ...relayPodOf(object), fleet: `${namespace}/${labels[policyLabel] ?? ''}` }
}

/**
 * The pods with their reports; where one may not be reached, the pods without reports, and `withheld`.
 * @throws ApiError for everything else
 */
export async function asked(listed: SeenPods, { wire }: Pick<Door, 'wire'>, signal: AbortSignal): Promise<SeenPods> {
  const pods: SeenPod[] = []
  for (let from = 0; from < listed.pods.length; from += mostAsked) {
    const batch = listed.pods.slice(from, from + mostAsked)
    try {
      pods.push(...(await Promise.all(batch.map((pod) => withReport(pod, wire, signal)))))
    } catch (error) {
      if (isForbidden(error)) return { ...listed, withheld: error as ApiError }
      throw error
    }
  }
  return { ...listed, pods }
}

async function withReport(pod: SeenPod, wire: Wire, signal: AbortSignal): Promise<SeenPod> {
  const { namespace, name, httpPort } = pod
  if (httpPort === undefined) return pod
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:${httpPort}/proxy/status`
  try {
    const body = await wire.call({ method: 'GET', path, timeoutMs: answerMs, signal })
    return { ...pod, report: relayReport(JSON.stringify(body)) }
  } catch (error) {
    if (isForbidden(error)) throw error
    return pod
  }
}
