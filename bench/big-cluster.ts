/** The objects of a big cluster: fleets with their pods, domains and credentials, as the API server has them. */
import { apiVersion } from '../crds/kinds.ts'
import type { KubeObject } from '../operator/cluster/api/object.ts'
import { bigSnapshot } from '../test/compile/big-world.ts'

const teams = 500

/** As an API server adds them to every object of a list; nothing in the operator reads them, and they have to be parsed. */
const managedFields = [
  {
    manager: 'kubectl-client-side-apply',
    operation: 'Update' as const,
    apiVersion,
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:metadata': { 'f:annotations': {} }, 'f:spec': { 'f:policyRef': {}, 'f:senderDomainRefs': {} } },
  },
]

/** The status of a credential whose binding Secret an earlier operator made. */
const boundStatus = ({ namespace, name }: { readonly namespace: string; readonly name: string }, i: number) => ({
  binding: { name },
  username: `${name}.${namespace}`,
  keys: [{ id: 'k1', verifier: `sha256:${i.toString(16).padStart(64, '0')}` }],
})

export function* bigCluster(domains: number, credentials: number): Generator<KubeObject> {
  const world = bigSnapshot(domains, credentials)
  for (let i = 0; i < teams; i += 1) {
    yield { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `team-${i}`, labels: { mail: 'yes' } } }
  }
  for (const { kind, namespace, name, spec } of [...world.policies, ...world.domains]) {
    yield { apiVersion, kind, metadata: { namespace, name, generation: 1, managedFields }, spec }
  }
  for (const [i, { kind, namespace, name, spec }] of world.credentials.entries()) {
    const metadata = { namespace, name, generation: 1, managedFields }
    yield { apiVersion, kind, metadata, spec, status: boundStatus(metadata, i) }
  }
  for (const { namespace, name } of world.policies) yield* podsOf(namespace, name)
}

function* podsOf(namespace: string, policy: string): Generator<KubeObject> {
  for (const i of [0, 1]) {
    const labels = { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': policy }
    yield {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: `${policy}-${i}`, labels },
      spec: { containers: [{ name: 'relay', ports: [{ name: 'http', containerPort: 8080 }] }] },
      status: { podIP: '127.0.0.1', phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    }
  }
}
