/** Relayfleet, installed on a real node as its users do, turns objects into fleets that send mail, and loses none when things change. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled, release } from '../../chart/helm.ts'
import { until } from '../../local/until.ts'
import { givenCluster } from '../cluster.ts'
import { senderDomain } from './fleet-objects.ts'
import { type FleetOnNode, fleetOnNode } from './fleet-on-node.ts'
import {
  apply,
  conditionsOf,
  ensureNamespace,
  helm,
  type Installation,
  install,
  kubectl,
  operatorNamespace,
  ready,
  tagOf,
} from './installation.ts'
import type { LoadRequest, LoadResult } from './programs/client.ts'
import { quantile } from './quantile.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
const examples = join(import.meta.dirname, '../../../examples/kubernetes')

describe.runIf(givenCluster() !== undefined && helmInstalled())('on a node', () => {
  let installed: Installation
  /** The fleet of all tests but the first one, since a node has only so many volumes. Each test leaves it as it was, but for the name of its image. */
  let fleet: FleetOnNode
  beforeAll(async () => {
    installed = install()
    fleet = await fleetOnNode(installed, 3)
  }, 240_000)
  afterAll(() => {
    installed?.uninstall()
  }, 60_000)

  const example = (name: string): string =>
    readFileSync(join(examples, `${name}.yaml`), 'utf8').replaceAll(
      'relayfleet.dev/relayfleet:0.1.0',
      installed.image.name,
    )

  test('a Job with nothing but its binding Secret sends mail through the fleet', async () => {
    for (const name of ['outside', 'mail', 'shop']) ensureNamespace(name)
    for (const name of ['receiver', 'policy', 'domain', 'credential']) apply(example(name))
    await ready('relaycredential', 'shop', 'checkout')
    await ready('relaypolicy', 'mail', 'shared')
    kubectl(['-n', 'outside', 'rollout', 'status', 'deployment/receiver', '--timeout=60s'])
    apply(example('job'))
    kubectl(['-n', 'shop', 'wait', '--for=condition=Complete', 'job/order-confirmation', '--timeout=60s'])
    expect(kubectl(['-n', 'shop', 'logs', 'job/order-confirmation'])).toMatch(/^ACCEPTED {2}250 2\.0\.0 /m)
    await until('the receiver has the message', () =>
      /<orders@shop\.example\.org> → customer@example\.net.*Subject: Your order/s.test(
        kubectl(['-n', 'outside', 'logs', 'deployment/receiver']),
      ),
    )
    const listed = kubectl(['get', 'relayfleet', '-A', '--no-headers'])
    for (const name of ['relaypolicy.relayfleet.dev/shared', 'senderdomain.relayfleet.dev/shop-example-org']) {
      expect(listed).toContain(name)
    }
    expect(listed).toContain('relaycredential.relayfleet.dev/checkout')
    expect(listed).not.toMatch(/False|Unknown/)
  })

  test('a suspended credential is refused on every pod', async () => {
    const times: number[] = []
    for (let run = 0; run < (long ? 20 : 5); run++) times.push(await suspension())
    process.stderr.write(
      `suspension to refusal on 3 pods, ${times.length} runs: ` +
        `p50 ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms, all ${times.join(' ')}\n`,
    )
    expect(quantile(times, 0.99)).toBeLessThan(long ? 2000 : 5000)
  }, 300_000)

  /** Milliseconds from the change of the object to the refusal on the last pod. */
  async function suspension(): Promise<number> {
    const { namespace, access, client, pods } = fleet
    const accessTo = (ip: string) => ({ ...access, host: ip, port: 2587, servername: access.host })
    const suspend = async (suspended: boolean): Promise<void> => {
      const patch = JSON.stringify({ spec: { suspended } })
      kubectl(['-n', namespace, 'patch', 'relaycredential', 'checkout', '--type=merge', '-p', patch])
    }
    const refusals = pods().map(({ ip }) => client.ask<{ at: number; reply: string }>('/refused', accessTo(ip)))
    const begin = Date.now()
    await suspend(true)
    const refused = await Promise.all(refusals)
    for (const { reply } of refused) expect(reply).toMatch(/got 535 .*\(credential\.suspended\)/)
    await suspend(false)
    await ready('relaycredential', namespace, 'checkout')
    // Otherwise the next run might still see this refusal.
    for (const { ip } of pods()) await client.ask('/admitted', accessTo(ip))
    return Math.max(...refused.map(({ at }) => at)) - begin
  }

  const load = (): LoadRequest => ({
    access: fleet.access,
    sessions: 10,
    messagesPerConnection: 20,
    rate: 10,
    reversePath: `load@${senderDomain(fleet.namespace)}`,
    forwardPath: 'someone@elsewhere.example',
  })

  /** Judges that everything that was acknowledged has arrived, and that clients had to try again by no reply but 421. */
  async function judged(what: string): Promise<void> {
    const { client, receiver } = fleet
    const { acknowledged, failed, retries, slowestMs } = await client.ask<LoadResult>('/stop', {})
    const missing = async (): Promise<readonly string[]> => {
      const arrivals = await receiver.ask<Readonly<Record<string, number>>>('/arrivals')
      return acknowledged.filter((id) => arrivals[id] === undefined)
    }
    await until('everything has arrived', async () => (await missing()).length === 0, 60_000).catch(() => undefined)
    process.stderr.write(
      `${what}: ${acknowledged.length} acknowledged, ${(await missing()).length} lost, ${failed.length} failed, ` +
        `retries ${JSON.stringify(retries)}, slowest session ${slowestMs} ms\n`,
    )
    expect(await missing()).toEqual([])
    expect(failed).toEqual([])
    expect(Object.keys(retries).filter((seen) => seen !== '421')).toEqual([])
  }

  test('a deleted pod under load loses nothing', async () => {
    await fleet.client.ask('/load', load())
    await until('load flows', async () => (await fleet.client.ask<number>('/acknowledged')) > 200)
    const [first] = fleet.pods()
    kubectl(['-n', fleet.namespace, 'delete', 'pod', first?.name ?? '', '--wait=false'])
    await until(
      'the pod is back',
      () => fleet.pods().filter((p) => p.ready && p.uid !== first?.uid).length === 3,
      120_000,
    )
    await judged('a deleted pod under load')
  }, 300_000)

  test('a rolling update under load loses nothing', async () => {
    const next = installed.nextImage()
    await fleet.client.ask('/load', load())
    await until('load flows', async () => (await fleet.client.ask<number>('/acknowledged')) > 200)
    const before = new Set(fleet.pods().map((p) => p.uid))
    update(next)
    await until(
      'every pod is new',
      () => fleet.pods().filter((p) => p.ready && !before.has(p.uid)).length === 3,
      240_000,
    )
    await judged('a rolling update under load')
  }, 600_000)

  function update(image: Installation['image']): void {
    const chart = join(import.meta.dirname, '../../../charts/relayfleet')
    helm(['upgrade', release, chart], { image: { tag: tagOf(image) }, crds: { keep: false } })
    kubectl(['-n', operatorNamespace, 'rollout', 'status', `deployment/${release}`, '--timeout=90s'])
  }

  const edit = (spec: object): string =>
    kubectl(['-n', fleet.namespace, 'patch', 'relaypolicy', 'shared', '--type=merge', '-p', JSON.stringify({ spec })])
  const said = () => conditionsOf('relaypolicy', fleet.namespace, 'shared').find((c) => c.type === 'ScalingDown')

  /** The routes as they are, those by which nothing leaves, and those by which it soon leaves again. */
  function smarthostAway() {
    const { routes } = JSON.parse(kubectl(['-n', fleet.namespace, 'get', 'relaypolicy', 'shared', '-o', 'json'])).spec
    const away = routes.map((route: { readonly smarthosts: readonly object[] }) => ({
      ...route,
      smarthosts: route.smarthosts.map((smarthost) => ({ ...smarthost, port: 2526 })),
      retry: { schedule: ['1s'], expireAfter: '24h' },
    }))
    const back = away.map((route: object, i: number) => ({ ...route, smarthosts: routes[i].smarthosts }))
    return { routes, away, back }
  }

  test('when a fleet is made smaller while its smarthost is away, a pod with mail stays until it has none (case S29)', async () => {
    const { namespace, client } = fleet
    const { routes, away, back } = smarthostAway()
    const names = (): readonly string[] => fleet.pods().map(({ name }) => name)
    edit({ routes: away })
    await ready('relaypolicy', namespace, 'shared')
    await client.ask('/load', load())
    await until('load flows', async () => (await client.ask<number>('/acknowledged')) > 300)
    edit({ replicas: 2 })
    await until('the policy says that the pod leaves', () => said()?.message.includes('shared-2 leaves since'))
    // Clients are sent to the others, and what they send meanwhile is taken.
    const before = await client.ask<number>('/acknowledged')
    await until('load flows on', async () => (await client.ask<number>('/acknowledged')) > before + 300)
    expect(names()).toEqual(['shared-0', 'shared-1', 'shared-2'])
    expect(said()?.message).toContain('shared-2 leaves since')
    edit({ routes: back })
    await until('the pod leaves', () => !names().includes('shared-2'), 120_000)
    await until('the policy says nothing of it any more', () => said() === undefined, 60_000)
    await judged('a fleet made smaller while its smarthost is away')
    edit({ routes, replicas: 3 })
    await until('all three pods are ready again', () => fleet.pods().filter((p) => p.ready).length === 3, 120_000)
    await ready('relaypolicy', namespace, 'shared')
  }, 300_000)

  test('with no operator, pods come back and mail flows', async () => {
    const scale = (replicas: number) =>
      kubectl(['-n', operatorNamespace, 'scale', `deployment/${release}`, `--replicas=${replicas}`])
    scale(0)
    try {
      await until('the operator is gone', () => /^No resources/.test(operatorPods()) || operatorPods() === '')
      await fleet.client.ask('/load', load())
      const before = new Set(fleet.pods().map((p) => p.uid))
      kubectl(['-n', fleet.namespace, 'delete', 'pod', '-l', 'relayfleet.dev/policy=shared', '--wait=false'])
      await until(
        'the pods are back',
        () => fleet.pods().filter((p) => p.ready && !before.has(p.uid)).length === 3,
        120_000,
      )
      const { acknowledged } = await fleet.client.ask<LoadResult>('/stop', {})
      expect(acknowledged.length).toBeGreaterThan(0)
      await until(
        'everything has arrived',
        async () => {
          const arrivals = await fleet.receiver.ask<Readonly<Record<string, number>>>('/arrivals')
          return acknowledged.every((id) => arrivals[id] !== undefined)
        },
        60_000,
      )
    } finally {
      scale(2)
      kubectl(['-n', operatorNamespace, 'rollout', 'status', `deployment/${release}`, '--timeout=90s'])
    }
  }, 300_000)

  // This test is the last one, since it leaves no fleet.
  test('a policy that is deleted while its smarthost is away delivers all of it first (case S29)', async () => {
    const { namespace, client, receiver } = fleet
    const { away, back } = smarthostAway()
    edit({ routes: away })
    await ready('relaypolicy', namespace, 'shared')
    await client.ask('/load', load())
    await until('load flows', async () => (await client.ask<number>('/acknowledged')) > 300)
    const { acknowledged } = await client.ask<LoadResult>('/stop', {})
    const missing = async (): Promise<readonly string[]> => {
      const arrivals = await receiver.ask<Readonly<Record<string, number>>>('/arrivals')
      return acknowledged.filter((id) => arrivals[id] === undefined)
    }
    expect((await missing()).length).toBeGreaterThan(0)
    kubectl(['-n', namespace, 'delete', 'relaypolicy', 'shared', '--wait=false'])
    await until('the policy says that it is being deleted', () =>
      /^the policy is being deleted.*shared-\d leaves since/.test(said()?.message ?? ''),
    )
    expect(fleet.pods()).toHaveLength(3)
    edit({ routes: back })
    const policy = (): string => kubectl(['-n', namespace, 'get', 'relaypolicy', 'shared', '--ignore-not-found'])
    await until('the policy is gone', () => policy() === '', 180_000)
    process.stderr.write(
      `a policy deleted while its smarthost is away: ${acknowledged.length} acknowledged, ${(await missing()).length} lost\n`,
    )
    expect(await missing()).toEqual([])
    await until('its pods are gone', () => fleet.pods().length === 0, 120_000)
  }, 400_000)

  const operatorPods = (): string =>
    kubectl(['-n', operatorNamespace, 'get', 'pods', '-l', 'app.kubernetes.io/component=operator', '--no-headers'])
})
