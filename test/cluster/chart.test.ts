/** A real API server takes every object of the chart, which holds the operator's account to what is its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import { connectionFromFile } from '../../operator/cluster/api/connection.ts'
import { applyObject } from '../../operator/cluster/write/apply.ts'
import { fleetOwner } from '../../operator/cluster/write/ownership.ts'
import type { Manifest } from '../../operator/manifests/manifest.ts'
import { manifestsOf } from '../../operator/manifests/manifests.ts'
import { helmInstalled, rendered, type Values } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { type Answer, type Api, accepted, apiOf, type KubeObject, type Refusal } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { runs } from './fleets-stage.ts'
import { grant } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { apartName, type InstalledChart, installChart } from './installed-chart.ts'
import { policy } from './whole/scenarios.ts'

const ours = { 'app.kubernetes.io/managed-by': 'relayfleet' }
const theirs = { 'app.kubernetes.io/managed-by': 'Helm' }

describe.runIf(givenCluster() !== undefined && helmInstalled())('the chart', () => {
  let admin: Api
  let chart: InstalledChart

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())

  const secrets = (): string => `/api/v1/namespaces/${chart.namespace}/secrets`
  const secret = (name: string, labels: Readonly<Record<string, string>>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: chart.namespace, labels },
    stringData: { key: name },
  })
  /** Makes a request for a Secret with the operator's account. */
  const as = async (method: 'POST' | 'PATCH' | 'DELETE', name: string, body?: unknown, query = ''): Promise<Answer> => {
    const path = `${secrets()}${name === '' ? '' : `/${name}`}${query}`
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    return chart.operator.request(method, path, body, type)
  }
  const refusedByPolicy = ({ status, body }: Answer): void => {
    expect(status).toBe(403)
    expect((body as Refusal).message).toContain('ValidatingAdmissionPolicy')
  }

  test.each<[string, Values]>([
    ['as it comes', {}],
    [
      'for one namespace, with all that can be given',
      {
        watchNamespaces: ['default'],
        image: { digest: `sha256:${'a'.repeat(64)}`, pullSecrets: ['registry'] },
        serviceAccount: { name: 'other', annotations: { a: 'b' } },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'mail', operator: 'Exists', effect: 'NoSchedule' }],
        priorityClassName: 'system-cluster-critical',
      },
    ],
  ])('is taken field by field, %s', async (_name, values) => {
    for (const object of rendered(values, chart.namespace)) accepted(await chart.write(object, '&dryRun=All'))
  })

  test('the operator makes, changes and deletes its own Secret', async () => {
    accepted(await as('POST', '', secret('own', ours)))
    accepted(await as('PATCH', 'own', { stringData: { key: 'changed' } }))
    accepted(await as('DELETE', 'own'))
  })

  test('the operator makes no Secret without its label', async () => {
    refusedByPolicy(await as('POST', '', secret('unlabelled', {})))
    refusedByPolicy(await as('POST', '', secret('somebodys', theirs)))
  })

  test.each([
    ['unlabelled', {}],
    ['of another manager', theirs],
  ])('the operator neither changes nor adopts nor deletes a foreign Secret, %s', async (name, labels) => {
    const foreign = `foreign-${name.replaceAll(' ', '-')}`
    const before = accepted(await admin.create(secrets(), secret(foreign, labels)))
    refusedByPolicy(await as('PATCH', foreign, { stringData: { key: 'changed' } }))
    refusedByPolicy(await as('PATCH', foreign, { metadata: { labels: ours } }))
    refusedByPolicy(await as('DELETE', foreign))
    expect(accepted(await admin.get(`${secrets()}/${foreign}`))['data']).toEqual(before['data'])
  })

  test('the operator does not give away a Secret of its own', async () => {
    accepted(await as('POST', '', secret('given-away', ours)))
    refusedByPolicy(await as('PATCH', 'given-away', { metadata: { labels: theirs } }))
  })

  test('the operator reads no Secret, neither its own nor a foreign one, by get, list or watch', async () => {
    accepted(await admin.create(secrets(), secret('foreign-unread', theirs)))
    for (const path of ['/api/v1/secrets', secrets(), `${secrets()}/foreign-unread`, `${secrets()}?watch=1`]) {
      expect((await chart.operator.get(path)).status, path).toBe(403)
    }
  })

  test.each([
    ['an empty patch', {}],
    ['a patch that takes it over', { metadata: { labels: ours } }],
  ])('a dry run of %s is answered with nothing of a foreign Secret', async (name, change) => {
    const foreign = `foreign-tried-${Object.keys(change).length}`
    accepted(await admin.create(secrets(), secret(foreign, theirs)))
    const { status, body } = await as('PATCH', foreign, change, '?dryRun=All')
    expect(status, name).toBe(403)
    expect(JSON.stringify(body)).not.toContain('"data"')
  })

  describe('the pods of a StatefulSet', () => {
    type Pod = Record<string, unknown> & {
      readonly volumes: object[]
      readonly containers: { securityContext: Record<string, unknown> }[]
    }
    const sets = (): string => `/apis/apps/v1/namespaces/${chart.namespace}/statefulsets?dryRun=All`
    const cluster = { image: 'relayfleet.dev/relayfleet:test', operatorNamespace: 'mail', serviceMonitors: false }
    const fleet = { name: 'mail/shared', compiled: runs, relays: 2, cluster } as const
    const making = (change: (pod: Pod) => void): Promise<Answer> => {
      const found = manifestsOf(fleet).find(({ kind }) => kind === 'StatefulSet')
      const { metadata, ...object } = structuredClone(found) as unknown as {
        metadata: { name: string; labels: object }
        spec: { template: { spec: Pod } }
      }
      change(object.spec.template.spec)
      return chart.operator.create(sets(), { ...object, metadata: { name: metadata.name, labels: metadata.labels } })
    }
    const securityOf = ({ containers: [relay] }: Pod): Record<string, unknown> => relay?.securityContext ?? {}
    const token = { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }

    test('may be relays as the operator makes them', async () => {
      await until('the admission policy holds', async () => {
        const { body } = await making((pod) => void Object.assign(pod, { hostPID: true }))
        return (body as Refusal).message?.includes('ValidatingAdmissionPolicy')
      })
      accepted(await making(() => undefined))
    })

    test.each<[string, (pod: Pod) => void]>([
      ['the token of an account', (pod) => void Object.assign(pod, { automountServiceAccountToken: true })],
      ['an account', (pod) => void Object.assign(pod, { serviceAccountName: 'admin' })],
      ['a token in a volume', ({ volumes }) => void volumes.push(token)],
      ['a folder of the node', ({ volumes }) => void volumes.push({ name: 'node', hostPath: { path: '/' } })],
      ['the network of the node', (pod) => void Object.assign(pod, { hostNetwork: true })],
      [
        'all privileges',
        (pod) => void Object.assign(securityOf(pod), { privileged: true, allowPrivilegeEscalation: true }),
      ],
      ['a capability', (pod) => void Object.assign(securityOf(pod), { capabilities: { add: ['SYS_ADMIN'] } })],
      ['the rights of root', (pod) => void Object.assign(pod, { securityContext: {} })],
      ['another container', (pod) => void Object.assign(pod, { initContainers: [{ name: 'a', image: 'b' }] })],
    ])('may not get %s', async (_what, change) => {
      refusedByPolicy(await making(change))
    })

    test('lose a container that somebody put beside the relay (case K30)', async () => {
      const { namespace } = chart
      const holder = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'holder' } }
      const { metadata } = accepted(await admin.create(`/api/v1/namespaces/${namespace}/configmaps`, holder))
      const { labels } = fleetOwner({ namespace, name: 'shared', uid: '' })
      const reference = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'holder',
        uid: String(metadata['uid']),
        controller: true,
      }
      const api = openApi(chart.asOperator(connectionFromFile(theCluster().kubeconfig)))
      const writing = { api, mayWrite: () => true, signal: new AbortController().signal }
      const none = manifestsOf({ ...fleet, name: `${namespace}/shared`, relays: 0 })
      const apply = (object: Manifest) =>
        applyObject(object, undefined, { namespace, reference, labels }, writing).then(({ kind }) => kind)
      const path = `/apis/apps/v1/namespaces/${namespace}/statefulsets/shared`
      const more = [{ op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'side', image: 'side' } }]
      for (const set of none.filter(({ kind }) => kind === 'StatefulSet')) {
        expect(await apply(set)).toBe('applied')
        accepted(await admin.request('PATCH', path, more, 'application/json-patch+json'))
        expect(await apply(set)).toBe('applied')
        expect(await apply(set)).toBe('unchanged')
      }
      const { spec } = accepted(await admin.get(path)) as unknown as { spec: { template: { spec: Pod } } }
      expect(spec.template.spec.containers).toMatchObject([{ name: 'relay' }])
    })
  })

  describe('a RelayPolicy', () => {
    const mail = 'relayfleet.dev/mail'
    const others = 'example.org/of-others'
    const policies = (): string => `/apis/relayfleet.dev/v1alpha1/namespaces/${chart.namespace}/relaypolicies`
    const change = (body: object): Promise<Answer> => chart.operator.patch(`${policies()}/shared`, body)
    const metadata = { labels: { team: 'mail' }, annotations: { note: 'theirs' }, finalizers: [others] }

    beforeAll(async () => {
      await installCrds(admin)
      const { apiVersion, kind, spec } = policy()
      const object = { apiVersion, kind, metadata: { name: 'shared', ...metadata }, spec }
      accepted(await admin.create(policies(), object))
      await until('the admission policy holds', async () => {
        const { body } = await chart.operator.patch(`${policies()}/shared?dryRun=All`, { spec: { replicas: 7 } })
        return (body as Refusal).message?.includes('ValidatingAdmissionPolicy')
      })
    })
    afterAll(async () => void (await admin.patch(`${policies()}/shared`, { metadata: { finalizers: null } })))

    test('gets and loses the operator’s finalizer, and keeps those of others', async () => {
      accepted(await change({ metadata: { finalizers: [others, mail] } }))
      refusedByPolicy(await change({ metadata: { finalizers: [mail] } }))
      accepted(await change({ metadata: { finalizers: [others] } }))
      refusedByPolicy(await change({ metadata: { finalizers: null } }))
      refusedByPolicy(await change({ metadata: { finalizers: [others, 'example.org/another'] } }))
    })

    test.each<[string, object]>([
      ['its spec', { spec: { replicas: 7 } }],
      ['a label', { metadata: { labels: { team: 'other' } } }],
      ['an annotation', { metadata: { annotations: { 'relayfleet.dev/discard-queue': 'true' } } }],
      ['an owner', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' }] } }],
      ['its spec beside the finalizer', { metadata: { finalizers: [others, mail] }, spec: { replicas: 7 } }],
    ])('has nothing else changed by the operator: %s', async (_what, body) => {
      refusedByPolicy(await change(body))
    })

    test('can not get a finalizer by a right on its finalizers alone', async () => {
      const rules = [
        { apiGroups: ['relayfleet.dev'], resources: ['relaypolicies/finalizers'], verbs: ['update', 'patch'] },
      ]
      await grant(admin, { user: 'finalizer', namespace: chart.namespace }, rules)
      const finalizer = apiOf(theCluster().access, { 'impersonate-user': 'finalizer' })
      const { status, body } = await finalizer.patch(`${policies()}/shared`, {
        metadata: { finalizers: [others, mail] },
      })
      expect(status).toBe(403)
      expect((body as Refusal).message).toContain('cannot patch resource "relaypolicies"')
    })

    test('is neither made nor deleted by the operator', async () => {
      expect((await chart.operator.remove(`${policies()}/shared`)).status).toBe(403)
      const { apiVersion, kind, spec } = policy()
      const another = { apiVersion, kind, metadata: { name: 'another' }, spec }
      expect((await chart.operator.create(policies(), another)).status).toBe(403)
    })
  })

  describe('for named namespaces', () => {
    const watched = { watchNamespaces: ['default'], crds: { enabled: false } }
    const authority = (name: string) => secret(name, ours)
    const applied = (object: KubeObject) =>
      chart.operator.patch(`${secrets()}/${object.metadata.name}?fieldManager=relayfleet&force=true`, object, 'apply')

    beforeAll(async () => {
      const all = chart.namespace
      // The rights in the whole cluster go, those in the chart's own namespace stay.
      await admin.remove(`/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${apartName(all)}`)
      for (const object of rendered(watched, all)) accepted(await chart.write(object))
      await until('the operator may no longer list policies of all namespaces', async () => {
        return (await chart.operator.get('/apis/relayfleet.dev/v1alpha1/relaypolicies')).status === 403
      })
    })

    test('the operator makes its authority in its own namespace, looks at it and can not delete it, and makes no other Secret there', async () => {
      accepted(await applied(authority('relayfleet-ca')))
      const { body } = await as('PATCH', 'relayfleet-ca', {}, '?dryRun=All')
      expect((body as KubeObject)['data']).toHaveProperty('key')
      expect((await as('DELETE', 'relayfleet-ca')).status).toBe(403)
      expect((await applied(authority('other'))).status).toBe(403)
    })

    test('an authority that somebody else put there is neither taken nor read', async () => {
      accepted(await admin.remove(`${secrets()}/relayfleet-ca`))
      accepted(await admin.create(secrets(), secret('relayfleet-ca', theirs)))
      refusedByPolicy(await applied(authority('relayfleet-ca')))
      refusedByPolicy(await as('PATCH', 'relayfleet-ca', {}, '?dryRun=All'))
    })

    test('the operator takes its own Lease, and no other', async () => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${chart.namespace}/leases`
      const lease = (name: string) => ({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace: chart.namespace },
        spec: { holderIdentity: 'somebody' },
      })
      const own = accepted(await chart.operator.create(path, lease('relayfleet')))
      accepted(await chart.operator.replace(`${path}/relayfleet`, own))
      accepted(await admin.create(path, lease('other')))
      expect((await chart.operator.replace(`${path}/other`, lease('other'))).status).toBe(403)
      expect((await chart.operator.get(`${path}/other`)).status).toBe(403)
    })
  })

  test('other accounts are not held to these rules', async () => {
    accepted(await admin.create(secrets(), secret('by-the-admin', {})))
  })
})
