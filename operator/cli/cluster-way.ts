/** How `send-test` reaches a cluster: with a credential's binding Secret, by a port-forward to the pod of a relay. */
import { inCluster } from '../cluster/assemble.ts'
import { openForward } from '../cluster/person/port-forward.ts'
import { listPods, type SeenPod } from '../cluster/person/seen-pods.ts'
import { boundPort } from '../compile/listener.ts'
import { type Name, splitName } from '../compile/snapshot.ts'
import { bindingOf, credentialOf } from './cluster-binding.ts'
import type { Cluster } from './cluster-options.ts'
import { followerOf } from './follow-pod.ts'
import { requireKinds } from './preflight.ts'
import type { Way } from './submit-and-follow.ts'
import type { Terminal } from './terminal.ts'

type Opened = { readonly way: Way; close(): void }

/** @throws ApiError, Error in words for a person */
export async function openClusterWay(
  cluster: Cluster,
  credential: Name,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Opened> {
  await requireKinds(cluster, signal)
  const { policy, secretName } = await credentialOf(cluster, credential, signal)
  const secret = await bindingOf(cluster, credential, secretName, signal)
  const pod = await readyPod(cluster, policy, signal)
  const port = boundPort(inCluster, secret.port)
  const forward = await openForward(cluster.connection, { ...pod, port })
  const where = `${pod.namespace}/${pod.name}`
  terminal.out(
    terminal.style('dim', `by a port-forward to port ${port} of pod ${where}, as ${secret.host} is reached inside`),
  )
  return {
    close: () => forward.close(),
    way: {
      policy,
      secret,
      at: { host: '127.0.0.1', port: forward.port },
      follow: followerOf(cluster, pod, terminal),
      silent: () => `${forward.trouble() ?? 'the relay did not answer'}; kubectl logs -n ${pod.namespace} ${pod.name}`,
      captured: (queueId) => `${queueId} is in the inbox of pod ${where}`,
      log: `kubectl logs -n ${pod.namespace} ${pod.name}`,
    },
  }
}

async function readyPod({ api }: Cluster, policy: Name, signal: AbortSignal): Promise<SeenPod> {
  const { pods, withheld } = await listPods({ api, scope: { namespace: splitName(policy).namespace } }, signal)
  if (withheld !== undefined) throw withheld
  const own = pods.filter(({ fleet }) => fleet === policy)
  const ready = own.find((pod) => pod.ready)
  if (ready !== undefined) return ready
  const why = own.map(({ name, waiting }) => `${name}: ${waiting ?? 'not ready'}`).join('; ') || 'it has no pod'
  throw new Error(`no relay of RelayPolicy ${policy} takes mail: ${why}; relayfleet status ${policy} tells more`)
}
