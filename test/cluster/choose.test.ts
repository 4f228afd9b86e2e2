/** Which cluster a run gets: the order of preference, and that nobody's own cluster is written to by accident. */
import { describe, expect, test } from 'vitest'
import { choose, type Facts } from './choose.ts'

const nothing: Facts = {
  env: {},
  asset: () => undefined,
  built: () => undefined,
  onPath: () => undefined,
  testbed: undefined,
}
const assets: Facts = { ...nothing, env: { KUBEBUILDER_ASSETS: '/assets' }, asset: (name) => `/assets/${name}` }
const built: Facts = { ...nothing, built: (name) => `/built/${name}` }
const mine = { KUBECONFIG: '/home/me/.kube/config' }
const allowed = { ...mine, RELAYFLEET_TEST_CLUSTER: '1' }
const path: Facts = { ...nothing, onPath: (name) => `/usr/bin/${name}` }

describe('the api tier', () => {
  test.each<[string, Facts, object]>([
    [
      'a given cluster comes first',
      { ...assets, env: { ...assets.env, ...allowed } },
      { kind: 'given', kubectl: '/assets/kubectl' },
    ],
    [
      'kubectl of a given cluster may be on PATH',
      { ...path, env: allowed },
      { kind: 'given', kubectl: '/usr/bin/kubectl' },
    ],
    [
      'a KUBECONFIG alone is not ours',
      { ...built, env: mine },
      { kind: 'control-plane', files: { etcd: '/built/etcd' } },
    ],
    [
      'any other word than 1 does not allow',
      { ...built, env: { ...mine, RELAYFLEET_TEST_CLUSTER: 'yes' } },
      { kind: 'control-plane' },
    ],
    [
      'an allowance that names no cluster is no cluster',
      { ...built, env: { RELAYFLEET_TEST_CLUSTER: '1' } },
      { kind: 'none' },
    ],
    [
      'assets come before what was built',
      { ...built, ...assets },
      { kind: 'control-plane', files: { etcd: '/assets/etcd' } },
    ],
    [
      'assets that are not there are not passed over',
      { ...built, env: { KUBEBUILDER_ASSETS: '/wrong' } },
      { kind: 'none' },
    ],
    [
      'what was built is taken where nothing else is given',
      built,
      { kind: 'control-plane', files: { 'kube-controller-manager': '/built/kube-controller-manager' } },
    ],
    ['programs on PATH make no control plane', path, { kind: 'none' }],
    ['where there is nothing there is no cluster', nothing, { kind: 'none' }],
  ])('%s', (_name, facts, expected) => {
    expect(choose('api', facts)).toMatchObject(expected)
  })

  test('the controller manager may be missing, the API server may not', () => {
    const without = (gone: string): Facts => ({
      ...built,
      built: (name) => (name === gone ? undefined : `/built/${name}`),
    })
    expect(choose('api', without('kube-controller-manager'))).toEqual({
      kind: 'control-plane',
      files: { etcd: '/built/etcd', 'kube-apiserver': '/built/kube-apiserver', kubectl: '/built/kubectl' },
    })
    expect(choose('api', without('kube-apiserver'))).toMatchObject({ kind: 'none' })
  })
})

describe('the node tier', () => {
  test.each<[string, Facts, object]>([
    [
      'a given cluster that can not be given our image is no help',
      { ...path, env: allowed, testbed: '/testbed' },
      { kind: 'none' },
    ],
    [
      'its node may have a way to load images',
      { ...path, env: { ...allowed, RELAYFLEET_TEST_IMAGE_LOADER: 'kind load' } },
      { loader: 'kind load' },
    ],
    [
      'a cluster of this machine is taken where none is given',
      { ...built, testbed: '/testbed' },
      { kind: 'testbed', program: '/testbed' },
    ],
    ['a control plane alone runs no pods', built, { kind: 'none' }],
  ])('%s', (_name, facts, expected) => {
    expect(choose('node', facts)).toMatchObject(expected)
  })
})
