/** Objects are applied to a real API server: the operator's own are set right, others' are left alone, and nothing is written twice. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, openApi } from '../../operator/cluster/api/api.ts'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import { pathOf, resourceOf, resources } from '../../operator/cluster/api/resource.ts'
import { type Applied, applyObject, Deposed, type Writing } from '../../operator/cluster/write/apply.ts'
import { fleetOwner, type Owner } from '../../operator/cluster/write/ownership.ts'
import { prune } from '../../operator/cluster/write/prune.ts'
import { accepted, apiOf, type Api as TestApi } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy, status } from './fault-proxy.ts'
import { newNamespace } from './namespace.ts'

describe.runIf(givenCluster() !== undefined)('an object that is applied', () => {
  let proxy: FaultProxy
  let raw: TestApi
  let api: Api
  let namespace: string
  let owner: Owner
  let writing: Writing

  beforeEach(async () => {
    raw = apiOf(theCluster().access)
    namespace = await newNamespace({ ...theCluster(), controllers: false }, raw)
    proxy = await faultProxy(theCluster().access)
    api = openApi(proxy.connection)
    // Any object may be the owner. It has to be there, since the garbage collector removes objects whose owner is not.
    const holder = accepted(await raw.create(maps(), map('holder', 'x')))
    const uid = String(holder.metadata['uid'])
    owner = { ...fleetOwner({ namespace, name: 'shared', uid }) }
    owner = { ...owner, reference: { apiVersion: 'v1', kind: 'ConfigMap', name: 'holder', uid, controller: true } }
    writing = { api, mayWrite: () => true, signal: new AbortController().signal }
  })
  afterEach(() => proxy.close())

  const maps = (name?: string): string =>
    `/api/v1/namespaces/${namespace}/configmaps${name === undefined ? '' : `/${name}`}`
  const map = (name: string, value: string, more = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ...more },
    data: { value },
  })
  const get = async (name = 'm') => accepted(await raw.get(maps(name))) as KubeObject & { data: Record<string, string> }
  const apply = (object: KubeObject, observed?: KubeObject): Promise<Applied> =>
    applyObject(object, observed, owner, writing)
  const writes = (): number => proxy.seen.filter((s) => s.method !== 'GET').length
  const foreign = async (more = {}) => accepted(await raw.create(maps(), map('m', 'theirs', more)))

  test('is made with its labels and its owner, and is not written again while it is right', async () => {
    expect((await apply(map('m', '1'))).kind).toBe('applied')
    expect((await get()).metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' },
      ownerReferences: [{ name: 'holder', controller: true }],
    })
    const after = writes()
    expect((await apply(map('m', '1'))).kind).toBe('unchanged')
    expect((await apply(map('m', '1'), await get())).kind).toBe('unchanged')
    expect(writes()).toBe(after)
  })

  test('loses a field that is no longer applied', async () => {
    await apply({ ...map('m', '1'), data: { value: '1', more: '2' } })
    await apply(map('m', '1'))
    expect((await get()).data).toEqual({ value: '1' })
  })

  test('K30: is set right after somebody edited it, and keeps what they added', async () => {
    await apply(map('m', '1'))
    accepted(await raw.patch(maps('m'), { data: { value: 'edited', theirs: 'too' }, metadata: { labels: { x: 'y' } } }))
    expect((await apply(map('m', '1'))).kind).toBe('applied')
    expect(await get()).toMatchObject({ data: { value: '1', theirs: 'too' }, metadata: { labels: { x: 'y' } } })
  })

  test('K30: is set right after somebody took a field away', async () => {
    await apply(map('m', '1'))
    accepted(await raw.patch(maps('m'), { data: { value: null } }))
    await apply(map('m', '1'))
    expect((await get()).data).toEqual({ value: '1' })
  })

  test('K30: has its list back after somebody changed an entry of it, or put another one there', async () => {
    const service = (port: number, name: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace },
      spec: { ports: [{ name, port, protocol: 'TCP', targetPort: port }] },
    })
    const path = `/api/v1/namespaces/${namespace}/services/s`
    const ports = async (): Promise<unknown> =>
      ((accepted(await raw.get(path))['spec'] as { ports: { port: number }[] }).ports ?? []).map((p) => p.port)
    await apply(service(587, 'submission'))
    for (const theirs of [service(2525, 'submission'), service(25, 'more')]) {
      accepted(await raw.patch(path, { spec: theirs['spec'] }))
      expect((await apply(service(587, 'submission'))).kind).toBe('applied')
      expect(await ports()).toEqual([587])
      expect((await apply(service(587, 'submission'))).kind).toBe('unchanged')
    }
    expect((await apply(service(465, 'smtps'))).kind).toBe('applied')
    expect(await ports(), 'a new port is applied as ever').toEqual([465])
  })

  describe('K30: loses what somebody adds to a selector, since with that it would select others', () => {
    const labels = { app: 'relay' }
    const networkPolicy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: {
        podSelector: { matchLabels: labels },
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ protocol: 'TCP', port: 2525 }] }],
      },
    }
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    }
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      spec: { selector: labels, ports: [{ port: 25, targetPort: 25 }] },
    }
    const added = { more: 'theirs' }
    const matchExpressions = [{ key: 'more', operator: 'Exists' }]
    const from = [{ podSelector: {} }]

    test.each([
      ['a label that selects pods of a NetworkPolicy', networkPolicy, { podSelector: { matchLabels: added } }],
      ['an expression that selects pods of a NetworkPolicy', networkPolicy, { podSelector: { matchExpressions } }],
      ['clients of a NetworkPolicy', networkPolicy, { ingress: [{ ports: [{ protocol: 'TCP', port: 2525 }], from }] }],
      ['an expression that selects pods of a PodDisruptionBudget', budget, { selector: { matchExpressions } }],
      ['a label that selects pods of a Service', service, { selector: added }],
    ] as const)('%s', async (_, { spec, ...kind }, edit) => {
      const object = { ...kind, metadata: { name: 'm', namespace }, spec }
      await apply(object)
      const path = pathOf(resourceOf(object), { namespace, name: 'm' })
      const before = accepted(await raw.get(path))['spec']
      accepted(await raw.patch(path, { spec: edit }))
      expect((await apply(object)).kind).toBe('applied')
      expect(accepted(await raw.get(path))['spec']).toEqual(before)
      const after = writes()
      expect((await apply(object)).kind).toBe('unchanged')
      expect(writes()).toBe(after)
    })
  })

  test('K30: is set right after one edit of a field and of a list', async () => {
    const service = { ...map('s', '1'), kind: 'Service', data: undefined }
    const ports = [{ name: 'submission', port: 587, protocol: 'TCP', targetPort: 587 }]
    const desired = { ...service, spec: { type: 'ClusterIP', ports } }
    const path = `/api/v1/namespaces/${namespace}/services/s`
    await apply(desired)
    const theirs = { type: 'NodePort', ports: [{ ...ports[0], port: 2525 }] }
    accepted(await raw.patch(path, { spec: theirs }))
    expect((await apply(desired)).kind).toBe('applied')
    expect(accepted(await raw.get(path))['spec']).toMatchObject({ type: 'ClusterIP', ports })
    expect((await apply(desired)).kind).toBe('unchanged')
  })

  test('K12: is contested where another program applies the same field, and nothing is forced', async () => {
    await apply(map('m', '1'))
    const claim = { ...map('m', 'theirs'), metadata: { name: 'm', namespace } }
    accepted(
      await raw.request('PATCH', `${maps('m')}?fieldManager=gitops&force=true`, claim, 'application/apply-patch+yaml'),
    )
    expect(await apply(map('m', '1'))).toEqual({
      kind: 'contested',
      what: `ConfigMap ${namespace}/m`,
      managers: ['gitops'],
      fields: ['.data.value'],
    })
    expect((await get()).data).toEqual({ value: 'theirs' })
  })

  test('may share a field with another program that applies the same value', async () => {
    await apply(map('m', '1'))
    const claim = { ...map('m', '1'), metadata: { name: 'm', namespace } }
    accepted(await raw.request('PATCH', `${maps('m')}?fieldManager=gitops`, claim, 'application/apply-patch+yaml'))
    expect((await apply({ ...map('m', '1'), data: { value: '1', new: '2' } })).kind).toBe('applied')
  })

  test('is left as it is, and told with the label, when it has lost the label by which it is ours', async () => {
    await apply(map('m', '1'))
    const label = 'app.kubernetes.io/managed-by'
    accepted(await raw.patch(maps('m'), { metadata: { labels: { [label]: 'Helm' } } }))
    const what = `ConfigMap ${namespace}/m`
    expect(await apply(map('m', '2'))).toEqual({ kind: 'foreign', what, lost: [`${label}=relayfleet`] })
    expect((await get()).data).toEqual({ value: '1' })
  })

  describe('never takes over', () => {
    test.each<[string, object]>([
      ['an object without labels', {}],
      ['an object with the label of another manager', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }],
      [
        'an object of another fleet',
        { labels: { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'other' } },
      ],
    ])('%s', async (_name, more) => {
      const before = await foreign(more)
      expect(await apply(map('m', '1'))).toEqual({ kind: 'foreign', what: `ConfigMap ${namespace}/m` })
      expect(await get()).toEqual(before)
      expect(writes()).toBe(0)
    })

    test('an object that somebody made between the look and the write', async () => {
      // The look finds nothing, and then somebody else makes the object first.
      let looks = 0
      proxy.rule = (seen) => (seen.method === 'GET' && looks++ === 0 ? status(404, 'NotFound') : 'pass')
      const before = await foreign({ labels: { x: 'y' } })
      const object = { ...map('m', 'theirs'), data: { added: '1' } }
      expect(await apply(object)).toEqual({ kind: 'foreign', what: `ConfigMap ${namespace}/m` })
      const { metadata, data } = await get()
      expect(data).toEqual({ value: 'theirs' })
      expect(metadata.labels).toEqual({ x: 'y' })
      expect(metadata.ownerReferences).toBeUndefined()
      expect(metadata.annotations ?? {}).toEqual({})
      expect(metadata.uid).toBe(before.metadata['uid'])
    })

    test('but knows an object that it made itself, though the answer was lost and a controller has written it since', async () => {
      let losses = 2
      proxy.rule = ({ method }) => {
        if (method !== 'PATCH' || losses-- <= 0) return 'pass'
        return 'lost'
      }
      await apply(map('m', '1')).catch(() => undefined)
      accepted(await raw.patch(`${maps('m')}?fieldManager=controller`, { data: { more: 'theirs' } }))
      proxy.rule = ({ method }) => (method === 'GET' && losses++ < 0 ? status(404, 'NotFound') : 'pass')
      losses = -1
      expect((await apply(map('m', '1'))).kind).toBe('unchanged')
      expect((await get()).metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'relayfleet' })
    })

    test('an object that somebody made anew under the name of one that was seen', async () => {
      await apply(map('m', '1'))
      const observed = await get()
      accepted(await raw.remove(maps('m')))
      const theirs = await foreign()
      await expect(apply(map('m', '2'), observed)).rejects.toMatchObject({ code: 409 })
      expect(await get()).toEqual(theirs)
    })
  })

  test('waits while an object of its name is still being deleted', async () => {
    await apply(map('m', '1'))
    accepted(await raw.patch(maps('m'), { metadata: { finalizers: ['example.org/wait'] } }))
    accepted(await raw.remove(maps('m')))
    expect(await apply(map('m', '1'))).toEqual({ kind: 'leaving', what: `ConfigMap ${namespace}/m` })
    accepted(await raw.patch(maps('m'), { metadata: { finalizers: null } }))
    expect((await apply(map('m', '1'))).kind).toBe('applied')
  })

  test('is not written by an operator that was deposed', async () => {
    writing = { ...writing, mayWrite: () => false }
    await expect(apply(map('m', '1'))).rejects.toBeInstanceOf(Deposed)
    expect(writes()).toBe(0)
  })

  test('is refused with a field that does not exist, instead of losing it in silence', async () => {
    await expect(apply({ ...map('m', '1'), dta: {} })).rejects.toMatchObject({ trouble: 'refused' })
  })

  test('comes to no harm when the answer to its write is lost', async () => {
    // The first loss looks like an idle connection that the server closed, and is tried again at once.
    let left = 2
    proxy.rule = ({ method }) => (method === 'PATCH' && left-- > 0 ? 'lost' : 'pass')
    await expect(apply(map('m', '1'))).rejects.toMatchObject({ trouble: 'unreachable' })
    expect((await apply(map('m', '1'))).kind).toBe('unchanged')
  })

  describe('an object that is no longer wanted', () => {
    const observed = async (): Promise<readonly KubeObject[]> =>
      (await api.listPage(resources.configMaps, { namespace }, { limit: 500 })).items

    test('is removed, and nothing else is', async () => {
      await apply(map('a', '1'))
      await apply(map('b', '1'))
      accepted(await raw.create(maps(), map('theirs', '1')))
      accepted(
        await raw.create(
          maps(),
          map('labelled', '1', {
            labels: { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' },
          }),
        ),
      )
      expect(await prune(await observed(), [map('a', '1')], owner, writing)).toEqual([`ConfigMap ${namespace}/b`])
      const names = (await observed()).map((o) => o.metadata.name).filter((n) => n !== 'kube-root-ca.crt')
      expect(names).toEqual(['a', 'holder', 'labelled', 'theirs'])
    })

    test('stays when somebody has taken it over since it was seen', async () => {
      await apply(map('a', '1'))
      const seen = await observed()
      accepted(await raw.patch(maps('a'), { metadata: { labels: { 'relayfleet.dev/policy': 'other' } } }))
      expect(await prune(seen, [], owner, writing)).toEqual([])
      expect(await prune(await observed(), [], owner, writing)).toEqual([])
      expect((await raw.get(maps('a'))).status).toBe(200)
    })

    test('is removed although its controller has written it since it was seen', async () => {
      await apply(map('a', '1'))
      const seen = await observed()
      accepted(await raw.patch(maps('a'), { metadata: { annotations: { reported: 'just now' } } }))
      expect(await prune(seen, [], owner, writing)).toEqual([`ConfigMap ${namespace}/a`])
      expect((await raw.get(maps('a'))).status).toBe(404)
    })

    test('is no trouble when somebody else has removed it', async () => {
      await apply(map('a', '1'))
      const seen = await observed()
      accepted(await raw.remove(maps('a')))
      expect(await prune(seen, [], owner, writing)).toEqual([])
    })

    test('is not removed by an operator that was deposed', async () => {
      await apply(map('a', '1'))
      const seen = await observed()
      await expect(prune(seen, [], owner, { ...writing, mayWrite: () => false })).rejects.toBeInstanceOf(Deposed)
    })
  })
})
