/**
 * What Kubernetes lets nobody change is as the first version made it: of an object that is otherwise, an update would change nothing,
 * neither its image nor its size, and a release of the chart could not be upgraded.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { statefulSet } from '../../operator/manifests/stateful-set.ts'
import { fleetOf } from './fleet-of.ts'

const policy = `
apiVersion: relayfleet.dev/v1alpha1
kind: RelayPolicy
metadata: {name: shared, namespace: mail}
spec: {environment: NonProduction, listeners: [{name: submission, port: 587}]}
`

test('the StatefulSet of a policy that says nothing of it is as the first version made it (case S31)', () => {
  const { metadata, spec } = statefulSet(fleetOf(policy))
  const { serviceName, selector, podManagementPolicy, volumeClaimTemplates } = spec
  expect(metadata.name).toBe('shared')
  expect({ serviceName, selector, podManagementPolicy, volumeClaimTemplates }).toEqual({
    serviceName: 'shared-pods',
    selector: { matchLabels: { 'relayfleet.dev/policy': 'shared' } },
    podManagementPolicy: 'Parallel',
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
      },
    ],
  })
})

type Installed = {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly roleRef?: { readonly kind: string; readonly name: string }
  readonly spec?: { readonly selector?: unknown }
}

test('selectors and bindings of the operator are as the first version made them (case S31)', () => {
  const text = readFileSync(join(import.meta.dirname, '../../config/operator.yaml'), 'utf8')
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Installed)
  const bound = objects.flatMap(({ kind, metadata, roleRef }) =>
    roleRef === undefined ? [] : [[`${kind} ${metadata.name}`, `${roleRef.kind} ${roleRef.name}`]],
  )
  expect(Object.fromEntries(bound)).toEqual({
    'ClusterRoleBinding relayfleet-watcher': 'ClusterRole relayfleet-watcher',
    'ClusterRoleBinding relayfleet-system-relayfleet-issuer': 'ClusterRole system:service-account-issuer-discovery',
    'RoleBinding relayfleet-own': 'Role relayfleet-own',
  })
  expect(objects.find(({ kind }) => kind === 'Deployment')?.spec?.selector).toEqual({
    matchLabels: {
      'app.kubernetes.io/name': 'relayfleet',
      'app.kubernetes.io/component': 'operator',
      'app.kubernetes.io/instance': 'relayfleet',
    },
  })
})
