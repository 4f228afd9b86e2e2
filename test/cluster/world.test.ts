/** The operator holds what a real API server has of its objects, and hears of changes, whatever goes wrong in between. */
import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type Fault, type Seen, status } from './fault-proxy.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { observe, writer } from './observing.ts'

const isWatch = ({ query }: Seen): boolean => query.get('watch') === '1'
const isOurs = ({ path }: Seen): boolean => path.includes('/relayfleet.dev/')

const fleetLabels = { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' }
const statefulSet = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name, labels: fleetLabels },
  spec: {
    replicas: 0,
    serviceName: 'shared-pods',
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'relay', image: 'none' }] } },
  },
})
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: fleetLabels },
  spec: {
    containers: [{ name: 'relay', image: 'none', ports: [{ name: 'http', containerPort: 9465 }] }],
    serviceAccountName: 'default',
    automountServiceAccountToken: false,
  },
})

describe.runIf(givenCluster() !== undefined)('the world', () => {
  let admin: Api
  let namespace: string
  let write: ReturnType<typeof writer>

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  beforeEach(async () => {
    namespace = await newNamespace({ ...theCluster(), controllers: false }, admin)
    write = writer(admin, namespace)
  })

  const setsPath = (): string => `/apis/apps/v1/namespaces/${namespace}/statefulsets`
  const podsPath = (): string => `/api/v1/namespaces/${namespace}/pods`
  const fleet = () => `${namespace}/shared` as const

  /** A world that has heard everything, counted from there. */
  async function settled(options: Parameters<typeof observe>[0] = { namespaces: [namespace] }) {
    const observed = await observe(options)
    await observed.world.synced
    await until('every watch is open', () => observed.proxy.seen.filter(isWatch).length >= 8)
    const { raised } = observed
    raised.dirty = 0
    raised.wake = 0
    return { ...observed, names: () => observed.world.declared().map((d) => d.ref.split('/')[1]) }
  }

  test.each<[string, () => readonly string[]]>([
    ['of some namespaces', () => [namespace]],
    ['of all namespaces', () => []],
  ])('holds what is declared, and hears of it, %s', async (_name, namespaces) => {
    await write.create('RelayPolicy', 'shared')
    const { world, raised } = await settled({ namespaces: namespaces() })
    expect(world.unread()).toEqual([])
    expect(world.declaredAs(`RelayPolicy ${fleet()}`)).toMatchObject({ is: 'valid', resource: { name: 'shared' } })
    await write.create('RelayCredential', 'web')
    await until('the credential is heard', () => world.declaredAs(`RelayCredential ${namespace}/web`))
    expect(world.declared().filter((d) => d.ref.includes(namespace))).toHaveLength(2)
    expect(raised.dirty).toBeGreaterThan(0)
    await write.remove('RelayCredential', 'web')
    await until('the credential is gone', () => world.declaredAs(`RelayCredential ${namespace}/web`) === undefined)
  })

  test('holds the labels of namespaces, and hears of them', async () => {
    for (const namespaces of [[namespace], []]) {
      const { world, raised } = await settled({ namespaces })
      const labelled = `${randomUUID().slice(0, 8)}`
      accepted(await admin.patch(`/api/v1/namespaces/${namespace}`, { metadata: { labels: { mail: labelled } } }))
      await until('the label is heard', () => world.namespaces().get(namespace)?.['mail'] === labelled)
      expect(raised.dirty).toBeGreaterThan(0)
    }
  })

  test('has no labels of a namespace that is not there, and no doubt about it', async () => {
    const { world } = await settled({ namespaces: [namespace, 'nowhere'] })
    expect([world.namespaces().has('nowhere'), world.unread()]).toEqual([false, []])
  })

  test('hears a status without causing a compilation', async () => {
    await write.create('RelayCredential', 'web')
    const { world, raised } = await settled()
    await write.report('RelayCredential', 'web', { username: `web.${namespace}` })
    const ref = `RelayCredential ${namespace}/web` as const
    await until('the status is heard', () => world.declaredAs(ref)?.status['username'] === `web.${namespace}`)
    expect(raised).toEqual({ dirty: 0, wake: 1 })
    await write.change('RelayCredential', 'web', { spec: { suspended: true } })
    await until('the spec is heard', () => raised.dirty === 1)
    await write.change('RelayCredential', 'web', { metadata: { labels: { tier: 'one' } } })
    await until('the label is heard', () => raised.dirty === 2)
  })

  test('causes no compilation by the status of a StatefulSet, but by its drift and its end', async () => {
    accepted(await admin.create(setsPath(), statefulSet('shared')))
    const { world, raised } = await settled()
    // The controller may report, too.
    const reported = accepted(await admin.patch(`${setsPath()}/shared/status`, { status: { replicas: 7 } })).metadata
    const version = (): bigint => BigInt(world.made(fleet())[0]?.metadata.resourceVersion ?? 0)
    await until('the status is heard', () => version() >= BigInt(String(reported['resourceVersion'])))
    expect(raised).toMatchObject({ dirty: 0 })
    accepted(await admin.patch(`${setsPath()}/shared`, { metadata: { labels: { drift: 'yes' } } }))
    await until('drift is heard', () => raised.dirty > 0)
    accepted(await admin.remove(`${setsPath()}/shared`))
    await until('the StatefulSet is gone', () => world.made(fleet()).length === 0)
  })

  test('wakes for a pod, without a compilation, and has it among the pods of its own fleet only', async () => {
    await admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
    const { world, raised } = await settled()
    accepted(await admin.create(podsPath(), pod('shared-0')))
    await until('the pod is heard', () => world.pods(fleet()).length === 1)
    const conditions = [{ type: 'Ready', status: 'True' }]
    accepted(await admin.patch(`${podsPath()}/shared-0/status`, { status: { podIP: '10.0.0.7', conditions } }))
    await until('the pod is ready', () => world.pods(fleet())[0]?.ready)
    expect(world.pods(fleet())).toMatchObject([{ name: 'shared-0', ip: '10.0.0.7', httpPort: 9465, leaving: false }])
    expect(world.pods(`${namespace}/other`)).toEqual([])
    expect([raised.dirty, raised.wake > 1]).toEqual([0, true])
  })

  test('counts an object that is being deleted as gone', async () => {
    await write.create('RelayPolicy', 'shared', {}, { finalizers: ['example.org/wait'] })
    onTestFinished(async () => void (await write.change('RelayPolicy', 'shared', { metadata: { finalizers: [] } })))
    const { world, raised } = await settled()
    expect(world.declared()).toHaveLength(1)
    await write.remove('RelayPolicy', 'shared')
    await until('the policy is gone', () => world.declared().length === 0)
    expect(raised.dirty).toBeGreaterThan(0)
  })

  test.each<[string, () => readonly string[]]>([
    ['some', () => [namespace]],
    ['all', () => []],
  ])('counts all in a namespace that is being deleted as gone, watching %s namespaces', async (_name, namespaces) => {
    await write.create('RelayCredential', 'web')
    const finalizers = ['relayfleet.dev/test-holds-it']
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'stays', finalizers } }
    const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
    accepted(await admin.create(configMaps, configMap))
    onTestFinished(async () => {
      await admin.patch(`${configMaps}/stays`, { metadata: { finalizers: null } })
    })
    const { world } = await settled({ namespaces: namespaces() })
    expect(world.declaredAs(`RelayCredential ${namespace}/web`)).toBeDefined()
    accepted(await admin.remove(`/api/v1/namespaces/${namespace}`))
    await until('the credential is gone', () => world.declaredAs(`RelayCredential ${namespace}/web`) === undefined)
    expect(world.declared().filter((d) => d.ref.includes(`${namespace}/`))).toEqual([])
  })

  test('K18: has an object that the API server takes against the rules of its kind, with what is wrong', async () => {
    await write.create('SenderDomain', 'example', { domain: 'a.example' })
    const smarthosts = [{ name: 'out', host: '300.1.1.1' }]
    await write.create('RelayPolicy', 'shared', { routes: [{ name: 'default', smarthosts }] })
    const { world } = await settled()
    expect(world.declaredAs(`RelayPolicy ${fleet()}`)).toMatchObject({
      is: 'invalid',
      invalid: {
        name: 'shared',
        generation: 1,
        problems: [expect.stringContaining('spec.routes[0].smarthosts[0].host')],
      },
    })
    expect(world.declaredAs(`SenderDomain ${namespace}/example`)?.is).toBe('valid')
  })

  describe('survives, and then holds the truth:', () => {
    const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } }
    test.each<[string, (seen: Seen) => boolean, Fault]>([
      ['K09: dropped events', isWatch, { lines: () => 'drop' }],
      ['repeated events', isWatch, { lines: (line) => ({ say: `${line}\n${line}` }) }],
      ['K02: watches that expire', isWatch, { lines: () => ({ say: JSON.stringify(gone) }) }],
      ['watches that are cut', isWatch, { lines: () => 'cut' }],
      ['watches that hang', isWatch, 'hang'],
      ['K05: lists that fail', (s) => !isWatch(s), status(500, 'InternalError')],
      ['lists that hang', (s) => !isWatch(s), 'hang'],
    ])('%s', async (_name, matches, fault) => {
      await write.create('RelayPolicy', 'shared')
      await write.create('RelayCredential', 'old')
      let left = 6
      const rule = (seen: Seen): Fault => (isOurs(seen) && matches(seen) && left-- > 0 ? fault : 'pass')
      const { world } = await observe({ namespaces: [namespace], rule, timing: { relistMs: 2500 } })
      await world.synced
      await write.change('RelayPolicy', 'shared', { spec: { suspended: true } })
      await write.remove('RelayCredential', 'old')
      await write.create('RelayCredential', 'new')
      const truth = async (): Promise<readonly string[]> =>
        [...(await write.all('RelayPolicy')), ...(await write.all('RelayCredential'))].toSorted()
      const held = (): readonly string[] => world.declared().map((d) => `${d.ref.split('/')[1]}@${d.resourceVersion}`)
      await until('the world holds the truth', async () => String(held().toSorted()) === String(await truth()), 25_000)
    })

    test('a list from the past', async () => {
      await write.create('RelayPolicy', 'shared')
      const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies`
      const { body } = await admin.get(path)
      const { world, proxy } = await settled()
      await write.change('RelayPolicy', 'shared', { spec: { suspended: true } })
      const isSuspended = (): boolean =>
        world.declared().some((d) => d.is === 'valid' && 'suspended' in d.resource.spec && d.resource.spec.suspended)
      await until('the suspension is heard', isSuspended)
      let shown = 0
      proxy.rule = (seen) => (seen.path === path && !isWatch(seen) && shown++ < 2 ? { code: 200, body } : 'pass')
      await world.refresh()
      expect([shown > 2, isSuspended()]).toEqual([true, true])
    })
  })

  test('gives fresh lists to whoever asks, and says how far they reach', async () => {
    await write.create('RelayPolicy', 'shared')
    const { world, proxy } = await settled()
    proxy.rule = (seen) => (isWatch(seen) ? { lines: () => 'drop' } : 'pass')
    proxy.cutAll()
    const before = world.heard()
    await write.remove('RelayPolicy', 'shared')
    await world.refresh()
    expect(world.declared()).toEqual([])
    const kinds = ['RelayPolicy', 'SenderDomain', 'RelayCredential'].map((k) => `${k} ${namespace}`)
    expect(Object.keys(world.heard()).toSorted()).toEqual(kinds.toSorted())
    expect(kinds.every((k) => BigInt(world.heard()[k] ?? 0) > BigInt(before[k] ?? 0))).toBe(true)
  })
})
