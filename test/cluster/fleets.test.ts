/** Fleets on a real API server: what was compiled is there, nothing else is, and nothing is written twice. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isOlder } from '../../operator/cluster/api/resource-version.ts'
import { heardAnnotation } from '../../operator/cluster/watch/heard.ts'
import { hashAnnotation } from '../../operator/manifests/config-secrets.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { hashOf, type Operator, openStage, quiet, runs, type Stage, withCredentials } from './fleets-stage.ts'
import { installCrds } from './install-crds.ts'

describe.runIf(givenCluster() !== undefined)('a fleet', () => {
  let stage: Stage
  beforeEach(async () => {
    await installCrds(apiOf(theCluster().access))
    stage = await openStage()
  })
  afterEach(() => stage.close())

  const give = (operator: Operator, fleet: Parameters<Stage['written']>[1]): void => {
    operator.compile = () => new Map([[stage.named('shared'), fleet]])
    operator.dirty.mark()
  }
  const status = async (resource: string, name: string): Promise<number> =>
    (await stage.raw.get(stage.path(resource, name))).status
  /** Makes a pod; where controllers run, it is there already, or soon. */
  const pod = async (name: string): Promise<void> => {
    const labels = { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' }
    const spec = { containers: [{ name: 'relay', image: 'x' }] }
    const account = stage.path('serviceaccounts')
    await stage.raw.create(account, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })
    await stage.raw.create(stage.path('pods'), { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec })
    expect(await status('pods', name)).toBe(200)
  }

  test('is made with its certificate, its configuration and its objects, all owned by its policy', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    const uid = operator.world.declaredAs(`RelayPolicy ${stage.named('shared')}`)?.uid
    const made = [
      ['secrets', 'shared-relay-tls'],
      ['secrets', 'shared-relay-config-0'],
      ['networkpolicies', 'shared'],
      ['services', 'shared'],
      ['services', 'shared-pods'],
      ['poddisruptionbudgets', 'shared'],
      ['statefulsets', 'shared'],
    ] as const
    for (const [resource, name] of made) {
      const { metadata } = await stage.get(resource, name)
      expect(metadata.ownerReferences, name).toMatchObject([{ kind: 'RelayPolicy', name: 'shared', uid }])
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/managed-by': 'relayfleet',
        'relayfleet.dev/policy': 'shared',
      })
    }
    expect(await stage.configuration()).toEqual(runs.config)
    const { annotations } = (await stage.get('secrets', 'shared-relay-config-0')).metadata
    expect(annotations?.[hashAnnotation]).toBe(hashOf(runs))
    // The operator has heard more of the policy since it wrote the Secret: the finalizer that it has put on.
    const policies = `RelayPolicy ${stage.namespace}`
    const { [policies]: written, ...others } = JSON.parse(annotations?.[heardAnnotation] ?? '{}')
    const { [policies]: now = '', ...heard } = operator.world.heard()
    expect(others).toEqual(heard)
    expect(isOlder(written, now)).toBe(true)
    expect(operator.fleets.written(stage.named('shared'))).toEqual({
      hash: hashOf(runs),
      certificateEndsAt: expect.closeTo(Date.now() + 90 * 24 * 3_600_000, -6),
    })
    const order = operator.writes().map((w) => w.path.split('/').slice(-2).join('/'))
    const kept = 'relaypolicies/shared'
    expect(order).toEqual(made.flatMap((m) => (m[0] === 'networkpolicies' ? [kept, m.join('/')] : [m.join('/')])))
  })

  test('that is given unchanged a thousand times causes no call at all (case K34)', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    const before = operator.calls().length
    for (let i = 0; i < 1000; i++) operator.fleets.give({ fleets: operator.compile(new Map()) })
    for (let i = 0; i < 100; i++) {
      const rounds = operator.rounds()
      operator.dirty.mark()
      await until('another round', () => operator.rounds() > rounds)
    }
    await quiet(operator)
    expect(operator.calls().slice(before)).toEqual([])
  })

  test('is looked at by an operator that is started again, and not written', async () => {
    const first = await stage.operator(runs)
    await stage.written(first, runs)
    await first.stop()
    const second = await stage.operator(runs)
    await stage.written(second, runs)
    expect(second.writes()).toEqual([])
    // One look for the configuration, which is in one piece, and one for the certificate.
    expect(second.calls()).toHaveLength(2)
    expect(second.running().get(stage.named('shared'))).toEqual(runs.config)
  })

  test('is suspended by one write and a nudge for each pod, within a second', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    await pod('shared-0')
    await pod('shared-1')
    await until('pods are heard of', () => operator.world.pods(stage.named('shared')).length === 2)
    const before = operator.calls().length
    const suspended = { ...runs, config: { ...runs.config, suspended: true } }
    const begin = performance.now()
    give(operator, suspended)
    await until('both pods are nudged', () => operator.calls().length === before + 3)
    expect(performance.now() - begin).toBeLessThan(1000)
    await quiet(operator)
    expect(
      operator
        .calls()
        .slice(before)
        .map((c) => c.path),
    ).toEqual([
      stage.path('secrets', 'shared-relay-config-0'),
      stage.path('pods', 'shared-0'),
      stage.path('pods', 'shared-1'),
    ])
    expect((await stage.configuration()).suspended).toBe(true)
    const { annotations } = (await stage.get('pods', 'shared-1')).metadata
    expect(Date.parse(annotations?.['relayfleet.dev/nudged'] ?? '')).toBeCloseTo(Date.now(), -4)
  })

  test('has only its own pods nudged when a nudge is asked for', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    await pod('shared-0')
    await until('the pod is heard of', () => operator.world.pods(stage.named('shared')).length > 0)
    const before = operator.calls().length
    await operator.fleets.nudge(stage.named('shared'), ['shared-0', 'somebody-elses'])
    expect(
      operator
        .calls()
        .slice(before)
        .map((c) => c.path),
    ).toEqual([stage.path('pods', 'shared-0')])
  })

  test('loses its disruption budget when it is scaled to one relay, and has one again when it is scaled back', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    give(operator, { ...runs, replicas: 1 })
    await until('the budget is gone', async () => (await status('poddisruptionbudgets', 'shared')) === 404)
    expect((await stage.get('statefulsets', 'shared'))['spec']).toMatchObject({ replicas: 1 })
    give(operator, runs)
    await until('the budget is there', async () => (await status('poddisruptionbudgets', 'shared')) === 200)
  })

  test('stays as it is while it is held, and loses only what is revoked meanwhile', async () => {
    const fleet = withCredentials(2)
    const operator = await stage.operator(fleet)
    await stage.written(operator, fleet)
    const before = operator.calls().length
    give(operator, { kind: 'hold' })
    await quiet(operator)
    expect(operator.calls().slice(before)).toEqual([])
    const revoked = withCredentials(1)
    give(operator, { kind: 'hold', config: revoked.config })
    await stage.written(operator, revoked)
    const written = operator
      .calls()
      .slice(before)
      .map((w) => w.path.split('/').at(-2))
    expect(written.filter((resource) => resource !== 'pods')).toEqual(['secrets'])
    expect((await stage.configuration()).credentials).toHaveLength(1)
    expect(await status('statefulsets', 'shared')).toBe(200)
  })

  test('is not made if it is held from the start', async () => {
    const operator = await stage.operator({ kind: 'hold' })
    await until('a round', () => operator.rounds() > 0)
    await quiet(operator)
    expect(operator.writes()).toEqual([])
    expect(operator.fleets.written(stage.named('shared'))).toEqual({})
  })

  test.each([
    ['services', 'shared'],
    ['networkpolicies', 'shared'],
    ['statefulsets', 'shared'],
    ['poddisruptionbudgets', 'shared'],
  ])('K30: gets back %s that somebody deletes', async (resource, name) => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    const { metadata } = await stage.get(resource, name)
    accepted(await stage.raw.remove(stage.path(resource, name)))
    await until('another one', async () => {
      const { body, status } = await stage.raw.get(stage.path(resource, name))
      return status === 200 && (body as typeof metadata & { metadata: { uid: string } }).metadata.uid !== metadata.uid
    })
  })

  test('K30: loses what it no longer needs, also where somebody took the owner away', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    await operator.stop()
    const budget = stage.path('poddisruptionbudgets', 'shared')
    accepted(await stage.raw.patch(budget, { metadata: { ownerReferences: null } }))
    await stage.operator({ ...runs, replicas: 1 })
    await until('the budget is gone', async () => (await status('poddisruptionbudgets', 'shared')) === 404)
  })

  test('K30: has a Service that somebody edits set right by few writes', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    const before = operator.calls().length
    const ports = [{ name: 'submission', port: 2525, protocol: 'TCP', targetPort: 2525 }]
    accepted(await stage.raw.patch(stage.path('services', 'shared'), { spec: { ports } }))
    await until('the port of the Service is back', async () => {
      const { ports } = (await stage.get('services', 'shared'))['spec'] as { ports: { port: number }[] }
      return ports[0]?.port === 587 && ports.length === 1
    })
    await quiet(operator)
    expect(
      operator
        .calls()
        .slice(before)
        .filter((c) => c.method !== 'GET').length,
    ).toBeLessThanOrEqual(3)
  })
})
