/** Where the API server keeps what; and that the operator can write nothing that it does not know. */
import { expect, test } from 'vitest'
import { ownResources, pathOf, resourceOf, resources } from '../../../../operator/cluster/api/resource.ts'

const [policies] = ownResources

test.each([
  ['a core object', pathOf(resources.secrets, { namespace: 'a', name: 'b' }), '/api/v1/namespaces/a/secrets/b'],
  ['all of one namespace', pathOf(resources.pods, { namespace: 'a' }), '/api/v1/namespaces/a/pods'],
  ['all of a cluster', pathOf(resources.statefulSets, {}), '/apis/apps/v1/statefulsets'],
  ['what is in no namespace', pathOf(resources.namespaces, { namespace: 'a', name: 'a' }), '/api/v1/namespaces/a'],
  [
    'a status of ours',
    policies && pathOf(policies, { namespace: 'a', name: 'b', subresource: 'status' }),
    '/apis/relayfleet.dev/v1alpha1/namespaces/a/relaypolicies/b/status',
  ],
  [
    'a name can not leave its place',
    pathOf(resources.secrets, { namespace: '../x', name: 'a/b' }),
    '/api/v1/namespaces/..%2Fx/secrets/a%2Fb',
  ],
])('%s', (_name, path, expected) => {
  expect(path).toBe(expected)
})

test('an object finds its resource by version and kind', () => {
  expect(resourceOf({ apiVersion: 'apps/v1', kind: 'StatefulSet' })).toBe(resources.statefulSets)
  expect(() => resourceOf({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' })).toThrow('ClusterRole')
})
