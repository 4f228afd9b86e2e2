/** A fleet in trouble is told of in words that name the object and the mend, and is tried again, and no other fleet waits for it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type FaultProxy, status } from './fault-proxy.ts'
import { hashOf, type Operator, openStage, quiet, runs, type Stage, withCredentials } from './fleets-stage.ts'
import { installCrds } from './install-crds.ts'

describe.runIf(givenCluster() !== undefined)('a fleet in trouble', () => {
  let stage: Stage
  beforeEach(async () => {
    await installCrds(apiOf(theCluster().access))
    stage = await openStage(['shared', 'other', 'other-pods'])
  })
  afterEach(() => stage.close())

  const troubleOf = ({ fleets }: Operator, policy = 'shared'): string | undefined =>
    fleets.written(stage.named(policy)).trouble
  const inTrouble = (operator: Operator, policy = 'shared'): Promise<string> =>
    until('there is trouble', () => troubleOf(operator, policy))
  const mended = (operator: Operator): Promise<boolean> =>
    until(
      'the fleet is in no trouble',
      () => troubleOf(operator) === undefined && operator.fleets.written(stage.named('shared')).hash !== undefined,
    )
  const both = () =>
    new Map([
      [stage.named('shared'), runs],
      [stage.named('other'), runs],
    ])
  const there = async (resource: string, name: string): Promise<boolean> =>
    (await stage.raw.get(stage.path(resource, name))).status === 200
  test('leaves somebody’s Service of its name alone, makes all else, and goes on when it is gone', async () => {
    const ports = [{ name: 'web', port: 80 }]
    const theirs = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shared' }, spec: { ports } }
    const before = accepted(await stage.raw.create(stage.path('services'), theirs))
    const operator = await stage.operator(runs)
    expect(await inTrouble(operator)).toBe(
      `there is a Service ${stage.namespace}/shared that is not this fleet's, and it is left as it is; ` +
        'rename or delete it, or give the policy another name',
    )
    expect(await stage.get('services', 'shared')).toEqual(before)
    expect(await there('statefulsets', 'shared')).toBe(true)
    accepted(await stage.raw.remove(stage.path('services', 'shared')))
    await mended(operator)
    expect(await there('services', 'shared')).toBe(true)
  })

  test.each([
    'shared-relay-config-0',
    'shared-relay-config-5',
    'shared-relay-tls',
  ])('leaves somebody’s Secret %s alone, and starts no relay that would read it', async (name) => {
    const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { 'relay.json': 'e30=' } }
    const before = accepted(await stage.raw.create(stage.path('secrets'), theirs))
    const operator = await stage.operator(runs)
    expect(await inTrouble(operator)).toContain(`there is a Secret ${stage.namespace}/${name} that is not this fleet's`)
    expect(await stage.get('secrets', name)).toEqual(before)
    expect(await there('statefulsets', 'shared')).toBe(false)
    accepted(await stage.raw.remove(stage.path('secrets', name)))
    await mended(operator)
    expect(await there('statefulsets', 'shared')).toBe(true)
  })

  test('K12: names the program that claims its fields, and forces nothing', async () => {
    const operator = await stage.operator(runs)
    await stage.written(operator, runs)
    const spec = { replicas: 7 }
    const claim = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'shared' }, spec }
    const path = `${stage.path('statefulsets', 'shared')}?fieldManager=gitops&force=true`
    accepted(await stage.raw.patch(path, claim, 'apply'))
    expect(await inTrouble(operator)).toBe(
      `StatefulSet ${stage.namespace}/shared: .spec.replicas is also applied by gitops, and nobody is overwritten; ` +
        'take it out of what gitops applies',
    )
    expect((await stage.get('statefulsets', 'shared'))['spec']).toMatchObject({ replicas: 7 })
    const { spec: _, ...without } = claim
    accepted(await stage.raw.patch(path, without, 'apply'))
    await mended(operator)
    expect((await stage.get('statefulsets', 'shared'))['spec']).toMatchObject({ replicas: 2 })
  })

  test('K12: says after some writes that another program sets a field back each time, and writes it ever more seldom', async () => {
    const operator = await stage.operator(runs, { backoff: { firstMs: 60_000, longestMs: 60_000 } })
    await stage.written(operator, runs)
    const path = stage.path('poddisruptionbudgets', 'shared')
    const change = { spec: { unhealthyPodEvictionPolicy: 'IfHealthyBudget' } }
    const isOurs = async (): Promise<boolean> => {
      const { spec } = await stage.get('poddisruptionbudgets', 'shared')
      return (spec as typeof change.spec).unhealthyPodEvictionPolicy === 'AlwaysAllow'
    }
    let times = 0
    for (; troubleOf(operator) === undefined && times < 20; times += 1) {
      accepted(await stage.raw.patch(path, change, 'merge'))
      await until('the budget is written', isOurs)
      await quiet(operator)
    }
    expect(troubleOf(operator)).toBe(
      `PodDisruptionBudget ${stage.namespace}/shared: .spec.unhealthyPodEvictionPolicy is set otherwise each time it is ` +
        'written, by an admission webhook, by another program, or by a second operator that watches this namespace; ' +
        'find it, and have it leave this object alone',
    )
    expect(times).toBe(5)
    accepted(await stage.raw.patch(path, change, 'merge'))
    await quiet(operator)
    expect(await stage.get('poddisruptionbudgets', 'shared'), 'the budget is written later').toMatchObject(change)
  })

  test('because its Secrets can not hold its configuration says so, gets nothing new, and loses at once what is revoked', async () => {
    const before = withCredentials(3)
    const whole = withCredentials(30_000)
    const credentials = whole.config.credentials.filter(({ name }) => name !== 'team-1/smtp')
    const after = { ...whole, config: { ...whole.config, credentials } }
    let wanted = before
    const operator = await stage.operator(() => new Map([[stage.named('shared'), wanted]]))
    await stage.written(operator, before)
    wanted = after
    operator.dirty.mark()
    expect(await inTrouble(operator)).toMatch(
      /12 Secrets can not hold that; move some of its credentials to a second policy; until then it gets nothing new, and loses what is taken away$/,
    )
    const names = (await stage.configuration()).credentials.map(({ name }) => name)
    expect(names).toEqual(['team-0/smtp', 'team-2/smtp'])
    wanted = before
    operator.dirty.mark()
    await mended(operator)
    expect((await stage.configuration()).credentials).toHaveLength(3)
  })

  test.each([
    [
      'RBAC',
      'secrets "x" is forbidden: User "operator" cannot patch resource "secrets"',
      "give the operator's account that right",
    ],
    ['a quota', 'exceeded quota: few, requested: secrets=1, used: secrets=5, limited: secrets=5', 'raise the quota'],
    ['a webhook', 'admission webhook "no.example.org" denied the request: no', 'see to that webhook'],
  ])('by %s that refuses its Secrets says so, and another fleet is whole meanwhile', async (_name, message, mend) => {
    const body = { kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden', message }
    const rule: FaultProxy['rule'] = ({ method, path, query }) =>
      method === 'PATCH' && path.includes('/secrets/shared-') && query.get('dryRun') === null
        ? { code: 403, body }
        : 'pass'
    const operator = await stage.operator(both, { rule })
    const trouble = await inTrouble(operator)
    expect(trouble).toContain(`Secret ${stage.namespace}/shared-relay-`)
    expect(trouble).toContain(message)
    expect(trouble).toContain(mend)
    await stage.written(operator, runs, 'other').catch(() => undefined)
    expect(operator.fleets.written(stage.named('other'))).toMatchObject({ hash: hashOf(runs) })
    expect(troubleOf(operator, 'other')).toBeUndefined()
    expect(await there('statefulsets', 'shared'), 'a fleet without a configuration is not started').toBe(false)
    operator.proxy.rule = () => 'pass'
    await mended(operator)
    expect(await there('statefulsets', 'shared')).toBe(true)
  })

  test('whose Secrets can not even be looked at keeps no other fleet waiting, and is not written blindly', async () => {
    const whole = withCredentials(1)
    const first = await stage.operator(() => new Map([[stage.named('shared'), whole]]))
    await stage.written(first, whole)
    await first.stop()
    const second = await stage.operator(both, {
      patienceMs: 300,
      rule: ({ path }) => (path.includes('/secrets/shared-') ? 'hang' : 'pass'),
    })
    await until('the other one is written', () => second.fleets.written(stage.named('other')).hash !== undefined)
    expect(second.writes().filter((w) => w.path.endsWith('/shared') || w.path.includes('/shared-'))).toEqual([])
    expect((await stage.configuration()).credentials).toHaveLength(1)
    second.proxy.rule = () => 'pass'
    second.proxy.cutAll()
    await stage.written(second, runs)
    expect(
      second.running().get(stage.named('shared'))?.credentials,
      'the configuration that ran goes into what is compiled',
    ).toBeDefined()
  })

  test.each([
    [409, 'Conflict'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ])('by an API server that answers %s for a while is tried again', async (code, reason) => {
    let left = 3
    const rule: FaultProxy['rule'] = ({ method, query }) =>
      method === 'PATCH' && query.get('dryRun') === null && left-- > 0 ? status(code, reason) : 'pass'
    const operator = await stage.operator(runs, { rule })
    await stage.written(operator, runs)
    await mended(operator)
    expect(await there('statefulsets', 'shared')).toBe(true)
    expect(left).toBeLessThan(0)
  })

  test('is the same one of two policies x and x-pods, whichever operator looks', async () => {
    const fleets = new Map([
      [stage.named('other'), runs],
      [stage.named('other-pods'), runs],
    ])
    const told: (readonly (string | undefined)[])[] = []
    for (let i = 0; i < 3; i++) {
      const operator = await stage.operator(() => fleets)
      await until('both are written', () =>
        [...fleets.keys()].every((f) => operator.fleets.written(f).hash !== undefined),
      )
      await until('one is in trouble', () =>
        [...fleets.keys()].some((f) => operator.fleets.written(f).trouble !== undefined),
      )
      const before = operator.writes().length
      await until('several tries', () => operator.calls().length > 30)
      expect(
        operator
          .writes()
          .slice(before)
          .filter((w) => w.path.endsWith('/services/other-pods')).length,
      ).toBeLessThan(2)
      told.push([...fleets.keys()].map((f) => operator.fleets.written(f).trouble))
      await operator.stop()
    }
    expect(told[0]?.filter((t) => t !== undefined)).toEqual([
      expect.stringContaining(`there is a Service ${stage.namespace}/other-pods that is not this fleet's`),
    ])
    expect(told[1]).toEqual(told[0])
    expect(told[2]).toEqual(told[0])
  })

  test('by another size of its volumes, which a StatefulSet can not change, says what to do', async () => {
    const operator = await stage.operator(runs)
    await until('the StatefulSet is there', () => there('statefulsets', 'shared'))
    operator.compile = () => new Map([[stage.named('shared'), { ...runs, storage: '20Gi' }]])
    operator.dirty.mark()
    const trouble = await inTrouble(operator)
    expect(trouble).toContain('set spec.queue.storage.size back')
    expect(trouble).toContain('--cascade=orphan')
    expect(trouble).not.toContain('delete the object')
    accepted(await stage.raw.remove(stage.path('statefulsets', 'shared')))
    await mended(operator)
    expect(JSON.stringify(await stage.get('statefulsets', 'shared'))).toContain('"storage":"20Gi"')
  })

  test('is not reported when its namespace is being deleted, and nothing is tried again', async () => {
    const operator = await stage.operator(both)
    await stage.written(operator, runs)
    const finalizers = ['example.org/wait']
    const maps = stage.path('configmaps')
    accepted(
      await stage.raw.create(maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'stays', finalizers } }),
    )
    accepted(await stage.raw.remove(`/api/v1/namespaces/${stage.namespace}`))
    accepted(await stage.raw.remove(stage.path('services', 'shared')))
    await quiet(operator, 500)
    expect(troubleOf(operator)).toBeUndefined()
    const before = operator.calls().length
    await quiet(operator, 500)
    expect(operator.calls().length - before).toBe(0)
    accepted(await stage.raw.patch(stage.path('configmaps', 'stays'), { metadata: { finalizers: null } }))
  })
})
