/** A relay's pod, as far as the operator has to know it. */
import { drainAnnotation } from '../../manifests/config-volume.ts'
import { httpPortName } from '../../manifests/http-port.ts'
import { takesMail, takesMailLabel } from '../../manifests/labels.ts'
import { relayContainerName } from '../../manifests/names.ts'
import type { KubeObject } from '../api/object.ts'

export type RelayPod = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Absent until it has one. */
  readonly ip?: string
  /** The port of its HTTP pages: the one of that name in the relay's own container. */
  readonly httpPort?: number
  readonly ready: boolean
  /** It is being deleted. */
  readonly leaving: boolean
  /** When its grace period ends; milliseconds since the epoch. */
  readonly goneBy?: number
  /** Since when it is told to leave, and takes no new mail; milliseconds since the epoch. */
  readonly drainSince?: number
  /** By its label, whether its Service sends clients to it. */
  readonly takesMail: boolean
  /**
   * Why it does not run, in the words of Kubernetes, e.g. `ImagePullBackOff: …`: of its containers, of the scheduler; or that
   * nothing is heard of its node.
   */
  readonly waiting?: string
}

type Condition = { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }
type Words = { readonly reason?: string | undefined; readonly message?: string | undefined }
type State = { readonly waiting?: Words; readonly terminated?: Words & { readonly exitCode?: number } }
type Container = { readonly name: string; readonly state?: State; readonly lastState?: State }
type Pod = {
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly {
      readonly name: string
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
    }[]
  }
  readonly status?: Words & {
    readonly phase?: string
    readonly podIP?: string
    readonly conditions?: readonly Condition[]
    readonly initContainerStatuses?: readonly Container[]
    readonly containerStatuses?: readonly Container[]
  }
}

export function relayPodOf(object: KubeObject): RelayPod {
  const { name, namespace = '', uid = '', deletionTimestamp, annotations, labels } = object.metadata
  const drain = annotations?.[drainAnnotation]
  const { spec, status = {} } = object as Pod
  const relay = spec?.containers?.find((c) => c.name === relayContainerName)
  const httpPort = relay?.ports?.find((p) => p.name === httpPortName)?.containerPort
  const waiting = whyNotRunning(status) ?? whyNotHeardOf(status, spec?.nodeName)
  return {
    namespace,
    name,
    uid,
    ...(status.podIP !== undefined && status.podIP !== '' && { ip: status.podIP }),
    ...(httpPort !== undefined && { httpPort }),
    ready: conditionOf(status, 'Ready')?.status === 'True',
    leaving: deletionTimestamp !== undefined,
    ...(deletionTimestamp !== undefined && { goneBy: Date.parse(deletionTimestamp) }),
    // A relay leaves whatever the annotation says; where that is no time, it counts as since the epoch.
    ...(drain !== undefined && drain !== '' && { drainSince: Date.parse(drain) || 0 }),
    takesMail: labels?.[takesMailLabel] === takesMail[takesMailLabel],
    ...(waiting !== undefined && { waiting }),
  }
}

type PodStatus = NonNullable<Pod['status']>

const conditionOf = ({ conditions = [] }: PodStatus, type: string): Condition | undefined =>
  conditions.find((c) => c.type === type)

/** Asks the pod as a whole, then the scheduler, then each container: the first that says something counts. */
function whyNotRunning(status: PodStatus): string | undefined {
  if (status.phase === 'Failed') return inWords({ reason: 'Failed', ...status })
  const scheduled = conditionOf(status, 'PodScheduled')
  if (scheduled?.status === 'False') return inWords(scheduled)
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  return containers.map(whyContainerWaits).find((why) => why !== undefined)
}

/**
 * A kubelet sets Ready and ContainersReady alike, or gives a reason where they differ (a readiness gate). Where they differ
 * without one, the node lifecycle controller has set Ready, since it no longer hears of the node.
 */
function whyNotHeardOf(status: PodStatus, node = 'unknown'): string | undefined {
  const ready = conditionOf(status, 'Ready')
  if (ready?.status === 'True' || conditionOf(status, 'ContainersReady')?.status !== 'True') return undefined
  return (ready?.reason ?? '') === '' ? `its node, ${node}, is not heard of` : inWords(ready ?? {})
}

/** A container often waits only to be started again (CrashLoopBackOff): how it ended says more. */
function whyContainerWaits({ name, state, lastState }: Container): string | undefined {
  const ended = state?.terminated ?? lastState?.terminated
  const code =
    ended?.exitCode === undefined ? '' : ` (it ended with exit code ${ended.exitCode}${lastWords(name, ended)})`
  if (state?.waiting !== undefined) return `${inWords(state.waiting)}${code}`
  const failed = state?.terminated?.exitCode !== undefined && state.terminated.exitCode !== 0
  return failed ? `${inWords(withoutLog(name, state.terminated))}${code}` : undefined
}

/**
 * With these reasons the message is the end of the log (terminationMessagePolicy FallbackToLogsOnError), which may tell of
 * mail, so it is not shown.
 */
const withLog: readonly unknown[] = ['Error', 'OOMKilled']
/** A relay that can not start says why in its last line, in this form. */
const lastLine = /(?:^|\n)relay: (.+)\n?$/
const longestWords = 400

const withoutLog = (container: string, { reason, message }: Words): Words =>
  container === relayContainerName && withLog.includes(reason) ? { reason } : { reason, message }

function lastWords(container: string, { message = '' }: Words): string {
  const said = container === relayContainerName ? lastLine.exec(message)?.[1] : undefined
  return said === undefined ? '' : `: ${said.slice(0, longestWords)}`
}

const inWords = ({ reason, message }: Words): string => {
  const words = [reason, message].filter((w) => w !== undefined && w !== '')
  return words.length === 0 ? 'no reason was given' : words.join(': ')
}
