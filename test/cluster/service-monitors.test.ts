/** ServiceMonitors are made once a cluster knows the kind, and kept right: in a cluster of this suite's own, since other suites need one without it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, openApi } from '../../operator/cluster/api/api.ts'
import { isConflict } from '../../operator/cluster/api/api-error.ts'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import { runOperator } from '../../operator/cluster/operator.ts'
import { applyNew, applyObject, type Writing } from '../../operator/cluster/write/apply.ts'
import { fleetOwner, type Owner } from '../../operator/cluster/write/ownership.ts'
import { prune } from '../../operator/cluster/write/prune.ts'
import { serviceMonitor } from '../../operator/manifests/service-monitor.ts'
import { until } from '../local/until.ts'
import { fleetOf } from '../manifests/fleet-of.ts'
import { accepted, apiOf, type Api as TestApi } from './api.ts'
import { declarer } from './declare.ts'
import { faultProxy } from './fault-proxy.ts'
import type { Cluster } from './held.ts'
import { installCrds } from './install-crds.ts'
import { keep } from './keep.ts'
import { newNamespace } from './namespace.ts'
import { chosenFor } from './start.ts'

const group = 'monitoring.coreos.com'
const [plural, kind] = ['servicemonitors', 'ServiceMonitor']
const text = { type: 'string' }
const endpoint = { type: 'object', properties: { port: text, path: text, interval: text } }
const selector = { type: 'object', properties: { matchLabels: { type: 'object', additionalProperties: text } } }
const properties = { selector, endpoints: { type: 'array', items: endpoint } }
/** The kind as the Prometheus operator declares it, as far as our manifest goes. */
const crd = {
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: 'servicemonitor', listKind: 'ServiceMonitorList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: { spec: { type: 'object', required: ['endpoints', 'selector'], properties } },
          },
        },
      },
    ],
  },
}

const policyText = `
apiVersion: relayfleet.dev/v1alpha1
kind: RelayPolicy
metadata: {name: shared, namespace: mail}
spec:
  environment: NonProduction
  listeners: [{name: submission, port: 587}]
  routes: [{name: default, smarthosts: [{name: ses, host: smtp.example.net}]}]
`
const desired = serviceMonitor(fleetOf(policyText, { serviceMonitors: true })) as KubeObject

const choice = chosenFor('api')
describe.runIf(choice.kind === 'control-plane')('ServiceMonitors', () => {
  let cluster: Cluster
  let stop: () => Promise<void>
  let admin: TestApi
  let namespace: string
  let owner: Owner

  beforeAll(async () => {
    if (choice.kind !== 'control-plane') return
    ;({ cluster, stop } = await keep('api', choice))
    admin = apiOf(cluster.access)
    await installCrds(admin)
    namespace = await newNamespace(cluster, admin)
    const { metadata } = await declarer(admin, namespace).policy('shared', {})
    owner = fleetOwner({ namespace, name: 'shared', uid: String(metadata['uid']) })
  })
  afterAll(() => stop())

  const path = (name: string): string => `/apis/${group}/v1/namespaces/${namespace}/${plural}/${name}`
  const get = async (name = 'shared') => accepted(await admin.get(path(name)))
  const named = (name: string): KubeObject => ({ ...desired, metadata: { ...desired.metadata, namespace, name } })

  async function withApi(act: (writing: Writing) => Promise<void>): Promise<void> {
    const proxy = await faultProxy(cluster.access)
    const api: Api = openApi(proxy.connection)
    await act({ api, mayWrite: () => true, signal: new AbortController().signal })
    await proxy.close()
  }

  test('are made by the operator when it finds the kind, one for each fleet, and set right', async () => {
    const ending = new AbortController()
    const proxy = await faultProxy(cluster.access)
    const running = runOperator(
      {
        connection: proxy.connection,
        namespace,
        watchNamespaces: [namespace],
        image: 'relayfleet.dev/relayfleet:test',
        identity: 'one',
        tell: () => undefined,
        timing: { watching: { kindsMs: 200 } },
      },
      ending.signal,
    )
    const set = `/apis/apps/v1/namespaces/${namespace}/statefulsets/shared`
    await until('the fleet is there', async () => (await admin.get(set)).status === 200, 20_000)
    accepted(await admin.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd))
    await until('its ServiceMonitor is there', async () => (await admin.get(path('shared'))).status === 200, 20_000)
    expect(await get()).toMatchObject({
      metadata: {
        labels: { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' },
        ownerReferences: [{ kind: 'RelayPolicy', name: 'shared', controller: true }],
      },
      spec: { endpoints: [{ port: 'http', path: '/metrics', interval: '30s' }] },
    })

    accepted(await admin.patch(path('shared'), { spec: { endpoints: [{ port: 'http', interval: '1s' }] } }))
    const interval = async () => JSON.stringify((await get())['spec']).includes('"30s"')
    await until('the ServiceMonitor is set right', interval, 20_000)
    accepted(await admin.remove(path('shared')))
    await until(
      'the ServiceMonitor is made again',
      async () => (await admin.get(path('shared'))).status === 200,
      20_000,
    )
    ending.abort()
    await running
    await proxy.close()
  }, 90_000)

  test('are made once, and never written over what another has made since', () =>
    withApi(async (writing) => {
      await applyNew(named('new'), owner, writing)
      const { uid, resourceVersion } = (await get('new')).metadata
      await expect(applyNew(named('new'), owner, writing)).rejects.toSatisfy(isConflict)
      expect((await get('new')).metadata).toMatchObject({ uid, resourceVersion })
      const again = await applyObject(named('new'), undefined, owner, writing)
      expect(again.kind).toBe('unchanged')
    }))

  test('are removed when a fleet no longer needs them, and stay when they are not its own', () =>
    withApi(async (writing) => {
      const { object } = (await applyObject(named('old'), undefined, owner, writing)) as { object: KubeObject }
      const theirs = accepted(await admin.create(path(''), { ...desired, metadata: { name: 'theirs' } })) as KubeObject
      expect(await prune([object, theirs], [], owner, writing)).toEqual([`ServiceMonitor ${namespace}/old`])
      expect([(await admin.get(path('old'))).status, (await admin.get(path('theirs'))).status]).toEqual([404, 200])
    }))
})
