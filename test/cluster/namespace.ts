/** Makes a namespace of a test's own. */
import { randomUUID } from 'node:crypto'
import { until } from '../local/until.ts'
import { type Api, accepted } from './api.ts'
import type { Cluster } from './held.ts'

/** The label of all that a test run makes in a cluster that outlives it. */
export const runLabel = 'relayfleet.dev/test-run'

/** The name of a new namespace. If controllers run, pods can be made in it at once. It goes with the cluster or the test run. */
export async function newNamespace(cluster: Cluster, api: Api): Promise<string> {
  const name = `test-${randomUUID().slice(0, 8)}`
  const labels = { [runLabel]: cluster.run }
  accepted(await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }))
  if (cluster.controllers) {
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`
    await until(`${account} is there`, async () => (await api.get(account)).status === 200, 30_000)
  }
  return name
}
