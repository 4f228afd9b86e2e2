/** A change in a real cluster is soon in a snapshot, and what matters to no snapshot makes none. */
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import { clusterSource } from '../../operator/cluster/source.ts'
import { sightOf } from '../../operator/cluster/watch/sight.ts'
import { openSightings } from '../../operator/cluster/watch/sightings.ts'
import { openWorld } from '../../operator/cluster/watch/world.ts'
import type { Snapshot } from '../../operator/compile/snapshot.ts'
import { Dirty } from '../../operator/dirty.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { faultProxy } from './fault-proxy.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { writer } from './observing.ts'

const count = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)

describe.runIf(givenCluster() !== undefined)('the source', () => {
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

  /** The snapshots of one namespace, as they come. */
  async function snapshots() {
    const proxy = await faultProxy(theCluster().access)
    const [api, dirty, ending] = [openApi(proxy.connection), new Dirty(), new AbortController()]
    const world = openWorld({ api, namespaces: [namespace], dirty, wake: () => undefined })
    const sightings = openSightings({ sight: sightOf(api), dirty, everyMs: 500 })
    const source = clusterSource({
      world,
      sightings,
      dirty,
      fleets: { running: () => Promise.resolve(new Map()) },
      bindings: { keys: () => new Map(), formerNames: () => new Map() },
      domainKeys: { give: () => undefined, known: () => new Map() },
      records: { look: () => undefined },
      issuer: { see: async () => ({ is: 'unknown', why: 'nobody needs it' }) },
    })
    const got: Snapshot[] = []
    const loop = async (): Promise<void> => {
      for await (const snapshot of source.snapshots(ending.signal)) got.push(snapshot)
    }
    const ended = Promise.all([world.run(ending.signal), sightings.run(ending.signal), loop()])
    onTestFinished(async () => {
      ending.abort()
      await ended
      await proxy.close()
    })
    const last = (): Snapshot | undefined => got.at(-1)
    return { got, last, world, proxy }
  }

  test('has everything in its first snapshot', async () => {
    await write.create('RelayPolicy', 'shared')
    for (const i of count(5)) await write.create('RelayCredential', `app-${i}`)
    const { got } = await snapshots()
    const first = await until('there is a snapshot', () => got[0])
    expect([first.policies.length, first.credentials.length, first.unread]).toEqual([1, 5, []])
    expect(first.namespaces.has(namespace)).toBe(true)
  })

  test('has a suspension in a snapshot within a second', async () => {
    await write.create('RelayPolicy', 'shared')
    const { got, last } = await snapshots()
    await until('there is a snapshot', () => got[0])
    const begin = performance.now()
    await write.change('RelayPolicy', 'shared', { spec: { suspended: true } })
    await until('the suspension is in a snapshot', () => last()?.policies[0]?.spec.suspended === true)
    const took = performance.now() - begin
    console.log(`a suspension was in a snapshot after ${took.toFixed(0)} ms`)
    expect(took).toBeLessThan(1000)
  })

  test('makes no snapshot for statuses', async () => {
    for (const i of count(5)) await write.create('RelayCredential', `app-${i}`)
    const { got, world } = await snapshots()
    await until('there is a snapshot', () => got[0])
    await write.change('RelayCredential', 'app-0', { spec: { suspended: true } })
    await until('the change is heard', () => got.at(-1)?.credentials.some((c) => c.spec.suspended))
    const before = got.length
    for (const i of count(5)) await write.report('RelayCredential', `app-${i}`, { username: `app-${i}.x` })
    const isHeard = (): boolean => world.declared().every((d) => d.status['username'] !== undefined)
    await until('all are heard', isHeard)
    await write.change('RelayCredential', 'app-0', { spec: { suspended: false } })
    await until('a change is heard', () => got.length > before)
    expect(got.length).toBe(before + 1)
  })

  test('K27: misses a Secret that a policy names when it goes, and finds the ConfigMap of its name', async () => {
    const at = (plural: string, name = ''): string => `/api/v1/namespaces/${namespace}/${plural}${name}`
    const authority = { metadata: { name: 'ca' }, data: { 'ca.crt': 'eA==' } }
    accepted(await admin.create(at('secrets'), authority))
    accepted(await admin.create(at('configmaps'), authority))
    const smarthosts = [{ name: 'out', host: 'smtp.example.net', tls: { caRef: { name: 'ca' } } }]
    await write.create('RelayPolicy', 'shared', { routes: [{ name: 'default', smarthosts }] })
    const { got, last } = await snapshots()
    const first = await until('there is a snapshot', () => got[0])
    expect([first.secrets.size, first.policies.length]).toEqual([1, 1])
    accepted(await admin.remove(at('secrets', '/ca')))
    await until('the ConfigMap is found', () => last()?.secrets.size === 0 && last()?.configMaps.size === 1)
  })
})
