/** Every resource has its path at the API server, and the operator can write no kind that it does not know. */
import { expect, test } from 'vitest'
import { ownResources, pathOf, resourceOf, resources } from '../../../../operator/cluster/api/resource.ts'

const [policies] = ownResources

test.each([
  [
    'an object of the core group is under /api/v1',
    pathOf(resources.secrets, { namespace: 'a', name: 'b' }),
    '/api/v1/namespaces/a/secrets/b',
  ],
  [
    'a list of one namespace is under that namespace',
    pathOf(resources.pods, { namespace: 'a' }),
    '/api/v1/namespaces/a/pods',
  ],
  ['a list of the cluster has no namespace', pathOf(resources.statefulSets, {}), '/apis/apps/v1/statefulsets'],
  [
    'an object without a namespace has none in its path',
    pathOf(resources.namespaces, { namespace: 'a', name: 'a' }),
    '/api/v1/namespaces/a',
  ],
  [
    'the status of our kinds is a subresource',
    policies && pathOf(policies, { namespace: 'a', name: 'b', subresource: 'status' }),
    '/apis/relayfleet.dev/v1alpha1/namespaces/a/relaypolicies/b/status',
  ],
  [
    'a name with a slash is escaped, and does not leave its place',
    pathOf(resources.secrets, { namespace: '../x', name: 'a/b' }),
    '/api/v1/namespaces/..%2Fx/secrets/a%2Fb',
  ],
])('%s', (_name, path, expected) => {
  expect(path).toBe(expected)
})

test('the resource of an object is found by apiVersion and kind, and an unknown one is an error', () => {
  expect(resourceOf({ apiVersion: 'apps/v1', kind: 'StatefulSet' })).toBe(resources.statefulSets)
  expect(() => resourceOf({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' })).toThrow('ClusterRole')
})
