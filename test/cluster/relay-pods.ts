/** Makes pods that look like a fleet's relays to the operator; nothing runs in them. */
import { type Api, accepted } from './api.ts'

type PodWords = { readonly name: string; readonly ready: boolean }

export async function makeRelayPods(
  api: Api,
  namespace: string,
  policy: string,
  pods: readonly PodWords[],
  nodeName?: string,
): Promise<void> {
  // Pods need this account, which nobody else makes where no controllers run.
  await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  const labels = { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': policy }
  const ports = [{ name: 'http', containerPort: 9465 }]
  for (const { name, ready } of pods) {
    const spec = {
      containers: [{ name: 'relay', image: 'none.invalid/relay', ports }],
      ...(nodeName !== undefined && { nodeName }),
    }
    accepted(await api.create(`/api/v1/namespaces/${namespace}/pods`, { metadata: { name, labels }, spec }))
    const condition = { type: 'Ready', status: ready ? 'True' : 'False' }
    const waiting = { reason: 'ImagePullBackOff', message: 'there is no such image' }
    const state = ready ? { running: {} } : { waiting }
    const containerStatuses = [{ name: 'relay', ready, restartCount: 0, image: '', imageID: '', state }]
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
    accepted(await api.patch(path, { status: { conditions: [condition], containerStatuses } }))
  }
}
