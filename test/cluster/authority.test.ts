/** The operator's authority, kept in a Secret with its account's rights, is one for all, never lost, and never replaced in silence. */
import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { issue, stillServes } from '../../operator/ca.ts'
import { openApi } from '../../operator/cluster/api/api.ts'
import { type Authority, openAuthority } from '../../operator/cluster/authority/authority.ts'
import { Deposed } from '../../operator/cluster/write/apply.ts'
import { helmInstalled } from '../chart/helm.ts'
import { shownIn } from '../shown-secret.ts'
import { type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy, status } from './fault-proxy.ts'
import { forbidding } from './forbidding.ts'
import { installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'
import { openLeavingStage } from './leaving-stage.ts'
import { make, policy } from './whole/scenarios.ts'

const day = 24 * 3_600_000
const name = 'relayfleet-ca'

describe.runIf(givenCluster() !== undefined && helmInstalled())('the operator’s authority', () => {
  const { signal } = new AbortController()
  let admin: Api
  let chart: InstalledChart
  let proxy: FaultProxy
  let now: number
  let mayWrite: boolean
  let made: number

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())
  beforeEach(async () => {
    proxy = await faultProxy(theCluster().access)
    now = Date.now()
    mayWrite = true
    made = 0
  })
  afterEach(async () => {
    await proxy.close()
    await admin.remove(path())
  })

  const path = (): string => `/api/v1/namespaces/${chart.namespace}/secrets/${name}`
  const secret = async (): Promise<KubeObject> => accepted(await admin.get(path()))
  const opened = () =>
    openAuthority({
      api: openApi(chart.asOperator(proxy.connection)),
      namespace: chart.namespace,
      name,
      mayWrite: () => mayWrite,
      made: () => {
        made += 1
      },
      now: () => now,
    })
  const writes = () => proxy.seen.filter((s) => s.method !== 'GET' && !s.query.has('dryRun'))
  const bundled = ({ bundle }: Authority): readonly string[] =>
    bundle.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem).fingerprint256)

  test('is made once, and then only looked at, always by patches', async () => {
    const one = opened()
    const first = await one.current(signal)
    expect(first.bundle.trim()).toBe(first.signer.certificate.trim())
    expect((await secret()).metadata).toMatchObject({ labels: { 'app.kubernetes.io/managed-by': 'relayfleet' } })
    expect((await secret()).metadata).not.toHaveProperty('ownerReferences')
    now += 120_000
    expect(await one.current(signal)).toEqual(first)
    expect(await opened().current(signal)).toEqual(first)
    expect(writes()).toHaveLength(1)
    expect(made).toBe(1)
    expect(proxy.seen.every((s) => s.method === 'PATCH')).toBe(true)
  })

  test('is looked at once when many ask for it at the same time', async () => {
    const one = opened()
    const all = await Promise.all(Array.from({ length: 20 }, () => one.current(signal)))
    expect(new Set(all.map((a) => a.bundle)).size).toBe(1)
    expect(proxy.seen).toHaveLength(2)
  })

  test('is the same for two operators that start at once', async () => {
    // Each operator has looked, and found nothing, before one of them writes.
    let looks = 0
    proxy.rule = (seen) => (seen.query.has('dryRun') && looks++ < 2 ? status(404, 'NotFound') : 'pass')
    const [a, b] = await Promise.all([opened().current(signal), opened().current(signal)])
    expect(a).toEqual(b)
    expect(await opened().current(signal)).toEqual(a)
  })

  test('is not made a second time when the answer to its write was lost', async () => {
    let left = 2
    proxy.rule = ({ query }) => (!query.has('dryRun') && left-- > 0 ? 'lost' : 'pass')
    const one = opened()
    await one.current(signal).catch(() => undefined)
    const now1 = await one.current(signal)
    const { data } = (await secret()) as unknown as { data: Record<string, string> }
    expect(Buffer.from(data['ca.crt'] ?? '', 'base64').toString()).toBe(now1.bundle)
    expect(made, 'how often it was told that it is made').toBe(1)
  })

  test('is read by a standby, and never written by it', async () => {
    mayWrite = false
    await expect(opened().current(signal)).rejects.toBeInstanceOf(Deposed)
    mayWrite = true
    const first = await opened().current(signal)
    const { length } = writes()
    mayWrite = false
    const standby = opened()
    expect(await standby.current(signal)).toEqual(first)
    now += 3400 * day
    expect(await standby.current(signal)).toEqual(first)
    expect(writes()).toHaveLength(length)
  })

  test('comes back as it was when its Secret was deleted by accident', async () => {
    const one = opened()
    const first = await one.current(signal)
    accepted(await admin.remove(path()))
    now += 120_000
    expect(await one.current(signal)).toEqual(first)
    expect(await opened().current(signal)).toEqual(first)
    expect(made).toBe(1)
  })

  test('stays in use while the API server is in trouble, if it was known before', async () => {
    const one = opened()
    const first = await one.current(signal)
    now += 120_000
    proxy.rule = () => status(500, 'InternalError')
    expect(await one.current(signal)).toEqual(first)
    await expect(opened().current(signal)).rejects.toMatchObject({ code: 500 })
  })

  test('leaves a Secret of its name alone that is somebody else’s', async () => {
    const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { key: 'theirs' } }
    const before = accepted(await admin.create(path().slice(0, -name.length - 1), theirs))
    await expect(opened().current(signal)).rejects.toThrow(
      `Secret ${chart.namespace}/${name} is there and is not the operator's, which needs the name; rename or delete it`,
    )
    expect(await secret()).toEqual(before)
  })

  test('leaves a Secret alone that somebody else made between its look and its write', async () => {
    const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { key: 'theirs' } }
    const before = accepted(await admin.create(path().slice(0, -name.length - 1), theirs))
    let looks = 0
    proxy.rule = ({ query }) => (query.has('dryRun') && looks++ === 0 ? status(404, 'NotFound') : 'pass')
    await expect(opened().current(signal)).rejects.toThrow('is not the operator')
    expect(await secret()).toEqual(before)
  })

  test('is not replaced when its Secret is damaged, and the error names the Secret and the mend', async () => {
    await opened().current(signal)
    accepted(await admin.patch(path(), { stringData: { 'authorities.json': '[{"key":"SECRET"' } }))
    const before = await secret()
    const error = await opened().current(signal).catch(String)
    expect(error).toContain(`Secret ${chart.namespace}/${name} holds no usable authority`)
    expect(error).toContain('restore it, or delete it and restart the operator')
    expect(error).not.toContain('SECRET')
    expect(await secret()).toEqual(before)
  })

  test('case A17: its key is in no error, though an admission policy refuses looks at its Secret and quotes the Secret', async () => {
    const { signer } = await opened().current(signal)
    const quoting = `'no team in ' + string(oldObject.data['authorities.json'])`
    const lift = await forbidding(admin, chart.namespace, 'no team in', quoting)
    const error = await opened().current(signal).catch(String)
    await lift()
    expect(error).toMatch(/secrets\/relayfleet-ca: 403 .* no team in /)
    expect(shownIn(String(error), [signer.key])).toEqual([])
  })

  test('is followed in time by another one, which is known first and signs then; the old one goes when it ends', async () => {
    const hosts = ['relay.example.org']
    const one = opened()
    const first = await one.current(signal)
    const leaf = await issue(first.signer, hosts, now)
    now += 3300 * day
    const second = await one.current(signal)
    expect(second.signer).toEqual(first.signer)
    expect(bundled(second)).toHaveLength(2)
    now += 31 * day
    const third = await one.current(signal)
    expect(third.signer).not.toEqual(first.signer)
    expect(third.bundle).toBe(second.bundle)
    expect(await stillServes(leaf.certificate, third.signer, hosts, now)).toBe(false)
    now += 365 * day
    expect(bundled(await one.current(signal))).toEqual([new X509Certificate(third.signer.certificate).fingerprint256])
    expect(await opened().current(signal)).toEqual(await one.current(signal))
    expect(writes()).toHaveLength(3)
  })
})

describe.runIf(givenCluster()?.controllers === true)('an authority that is lost while no operator is there', () => {
  test('is replaced, and an Event tells the fleets that have shown its certificates', async () => {
    const admin = apiOf(theCluster().access)
    await installCrds(admin)
    const stage = await openLeavingStage(admin)
    const told = (): number => stage.operator.told.filter(({ about }) => about === 'authority made').length
    const events = async () =>
      JSON.stringify((await admin.get(`/apis/events.k8s.io/v1/namespaces/${stage.namespace}/events`)).body)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    expect(told()).toBe(1)
    expect(await events()).not.toContain('AuthorityReplaced')
    await stage.operator.stop()
    accepted(await admin.remove(`/api/v1/namespaces/${stage.home}/secrets/${name}`))
    await stage.anotherOperator()
    await stage.eventsSay('AuthorityReplaced')
    expect(told()).toBe(1)
  }, 90_000)
})
