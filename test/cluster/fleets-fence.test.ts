/** An operator with an old view of the cluster, or one that leads no more, takes no fleet back; and none waits for ever for news that will not come. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { heardAnnotation } from '../../operator/cluster/watch/heard.ts'
import type { Heard, World } from '../../operator/cluster/watch/world.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { hashOf, type Operator, openStage, quiet, runs, type Stage, withCredentials } from './fleets-stage.ts'
import { installCrds } from './install-crds.ts'

/** A world that says it had heard next to nothing; a fresh list tells all, or no more where the past was restored. */
const lagging =
  (told: { refreshes: number }, afterList: 'all' | 'no more') =>
  (world: World): World => ({
    ...world,
    serviceMonitors: false,
    heard: () => (told.refreshes > 0 && afterList === 'all' ? world.heard() : longAgo(world.heard())),
    async refresh() {
      await world.refresh()
      told.refreshes += 1
    },
  })
const longAgo = (heard: Heard): Heard => Object.fromEntries(Object.keys(heard).map((kind) => [kind, '1']))

describe.runIf(givenCluster() !== undefined)('the Secrets of a fleet', () => {
  let stage: Stage
  beforeEach(async () => {
    await installCrds(apiOf(theCluster().access))
    stage = await openStage()
  })
  afterEach(() => stage.close())

  const [before, after] = [withCredentials(1), withCredentials(2)]
  const credentials = async (): Promise<number> => (await stage.configuration()).credentials.length
  const hash = ({ fleets }: Operator): string | undefined => fleets.written(stage.named('shared')).hash
  const roundsOf = async (operator: Operator, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const rounds = operator.rounds()
      operator.dirty.mark()
      await until('another round', () => operator.rounds() > rounds)
    }
  }

  test('are not written by an operator that leads no more', async () => {
    const deposed = await stage.operator(before)
    await stage.written(deposed, before)
    deposed.leads = false
    const leader = await stage.operator(after)
    await stage.written(leader, after)
    const writes = deposed.writes().length
    await roundsOf(deposed, 5)
    await quiet(deposed)
    expect(deposed.writes().length).toBe(writes)
    expect(await credentials()).toBe(2)
  })

  test('are not taken back by an operator that only believes to lead: its write meets a newer version, and it compiles anew', async () => {
    const stale = await stage.operator(before)
    await stage.written(stale, before)
    const leader = await stage.operator(after)
    await stage.written(leader, after)
    // The operator compiles what follows from its old view until it has read the newer configuration.
    const rounds = stale.rounds()
    stale.compile = (running) => {
      const isFresh = running.get(stage.named('shared'))?.credentials.length === 2
      return new Map([[stage.named('shared'), isFresh ? after : withCredentials(0)]])
    }
    stale.dirty.mark()
    await until('the operator has compiled anew', () => stale.rounds() >= rounds + 2)
    await quiet(stale)
    expect(await credentials()).toBe(2)
    expect(hash(stale)).toBe(hashOf(after))
  })

  test('are not written by an operator that has heard less than their writer, before it has listed everything anew', async () => {
    const leader = await stage.operator(after)
    await stage.written(leader, after)
    await leader.stop()
    const told = { refreshes: 0 }
    const fresh = (): boolean => told.refreshes > 0
    const stale = await stage.operator(() => new Map([[stage.named('shared'), fresh() ? after : before]]), {
      seeing: lagging(told, 'all'),
    })
    await until('the operator lists anew', fresh)
    await quiet(stale)
    expect(told.refreshes).toBe(1)
    expect(stale.writes()).toEqual([])
    expect(await credentials()).toBe(2)
  })

  test('are written all the same when even a fresh list has less, since then an older state of the cluster was restored', async () => {
    const leader = await stage.operator(after)
    await stage.written(leader, after)
    await leader.stop()
    const told = { refreshes: 0 }
    const restored = await stage.operator(before, { seeing: lagging(told, 'no more') })
    await stage.written(restored, before)
    expect(told.refreshes).toBe(1)
    expect(await credentials()).toBe(1)
    const annotation = (await stage.get('secrets', 'shared-relay-config-0')).metadata.annotations?.[heardAnnotation]
    expect(JSON.parse(annotation ?? '')).toEqual(longAgo(restored.world.heard()))
    const rounds = restored.rounds()
    await quiet(restored, 300)
    expect(restored.rounds(), 'the operator rests').toBe(rounds)
  })

  test('are not written from a configuration that has been replaced meanwhile: what was just revoked does not come back', async () => {
    const operator = await stage.operator(after)
    await stage.written(operator, after)
    const isSlow = (path: string): boolean => path.endsWith('/secrets/shared-relay-config-0')
    operator.proxy.rule = ({ path }) => (isSlow(path) ? { delayMs: 300 } : 'pass')
    const revoked = { ...before, config: before.config }
    operator.compile = () => new Map([[stage.named('shared'), revoked]])
    const count = operator.writes().length
    operator.dirty.mark()
    await until('the revocation is under way', () => operator.writes().length > count)
    // As for a credential with an error, what ran goes on, whatever it was.
    operator.compile = (running) => {
      const config = running.get(stage.named('shared')) ?? after.config
      return new Map([[stage.named('shared'), { ...runs, config: { ...config, suspended: true } }]])
    }
    operator.dirty.mark()
    await until('the fleet is suspended', async () => (await stage.configuration()).suspended)
    await quiet(operator, 500)
    expect(await credentials()).toBe(1)
    expect((await stage.configuration()).suspended).toBe(true)
  })

  test('K13: are read anew when leadership comes back, and what another wrote meanwhile is what runs', async () => {
    const first = await stage.operator(before)
    await stage.written(first, before)
    first.leads = false
    await roundsOf(first, 1)
    const second = await stage.operator(after)
    await stage.written(second, after)
    second.leads = false
    first.compile = () => new Map([[stage.named('shared'), { kind: 'hold' }]])
    first.leads = true
    await roundsOf(first, 1)
    await quiet(first)
    expect(first.running().get(stage.named('shared'))).toEqual(after.config)
    expect(hash(first)).toBe(hashOf(after))
    expect(await credentials()).toBe(2)
  })

  test('are not written by turns by two operators that both believe to lead and want the same', async () => {
    const [a, b] = await Promise.all([stage.operator(before), stage.operator(before)])
    await Promise.all([stage.written(a, before), stage.written(b, before)])
    await Promise.all([quiet(a, 300), quiet(b, 300)])
    const made = [a, b].flatMap((o) => o.writes().filter((w) => w.path.endsWith('/secrets/shared-relay-config-0')))
    expect(made.length).toBeLessThanOrEqual(2)
    expect(await credentials()).toBe(1)
    expect([a, b].map((o) => o.fleets.written(stage.named('shared')).trouble)).toEqual([undefined, undefined])
  })

  describe('that were damaged', () => {
    const turns = { everyMs: 50, perSecond: 50 }
    const soon = { turns }
    const config = (): string => stage.path('secrets', 'shared-relay-config-0')

    test.each<[string, () => Promise<unknown>]>([
      ['deleted', async () => accepted(await stage.raw.remove(config()))],
      ['edited', async () => accepted(await stage.raw.patch(config(), { data: { 'relay.json': 'e30=' } }))],
      ['emptied', async () => accepted(await stage.raw.patch(config(), { data: null }))],
      [
        'filled up with more',
        async () => accepted(await stage.raw.patch(config(), { data: { 'relay.json.0-of-1.0': 'e30=' } })),
      ],
      [
        'freed of their marks',
        async () => accepted(await stage.raw.patch(config(), { metadata: { annotations: null } })),
      ],
    ])('are repaired when they were %s, also while the policy is held', async (_name, damage) => {
      const operator = await stage.operator(before, soon)
      await until('the fleet is written', () => hash(operator) === hashOf(before))
      await until(
        'the fleet is whole',
        async () => (await stage.raw.get(stage.path('statefulsets', 'shared'))).status === 200,
      )
      const whole = (await stage.get('secrets', 'shared-relay-config-0')).data
      operator.compile = () => new Map([[stage.named('shared'), { kind: 'hold' }]])
      await damage()
      await until('the configuration is whole again', async () => {
        const { status, body } = await stage.raw.get(config())
        if (status !== 200) return false
        const { data, metadata } = body as Awaited<ReturnType<Stage['get']>>
        return JSON.stringify(data) === JSON.stringify(whole) && metadata.annotations?.[heardAnnotation] !== undefined
      })
      expect(operator.fleets.written(stage.named('shared')).trouble).toBeUndefined()
    })

    test('while no operator ran are reported while the policy is held, and written over when it is mended', async () => {
      const first = await stage.operator(before)
      await stage.written(first, before)
      await first.stop()
      accepted(await stage.raw.patch(config(), { data: { 'relay.json': 'e30=' } }))
      const second = await stage.operator({ kind: 'hold' })
      const trouble = await until('the fleet is in trouble', () => second.fleets.written(stage.named('shared')).trouble)
      expect(trouble).toContain(
        `the configuration in Secret ${stage.namespace}/shared-relay-config-0 and on can not be read`,
      )
      expect(second.running().size).toBe(0)
      expect(second.writes()).toEqual([])
      second.compile = () => new Map([[stage.named('shared'), after]])
      second.dirty.mark()
      await stage.written(second, after)
      expect(await credentials()).toBe(2)
    })
  })

  test('are looked at in turn, never many at once, and only while the operator leads', async () => {
    const operator = await stage.operator(runs, { turns: { everyMs: 10, perSecond: 20 } })
    await until('the fleet is written', () => hash(operator) === hashOf(runs))
    const looks = () => operator.calls().filter((c) => c.query.get('dryRun') === 'All')
    const [count, begin] = [looks().length, performance.now()]
    await until('there are looks', () => looks().length >= count + 20)
    expect((looks().length - count) / ((performance.now() - begin) / 1000)).toBeLessThan(25)
    expect(operator.writes().filter((w) => w.path.includes('/secrets/')).length, 'and none is written').toBe(2)
    operator.leads = false
    await until('the operator looks no more', async () => {
      const before = looks().length
      await quiet(operator, 200)
      return looks().length === before
    })
  })
})
