/** A reflector holds what a real API server has, whatever goes wrong in between. */
import { describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import { resources } from '../../operator/cluster/api/resource.ts'
import { isOlder } from '../../operator/cluster/api/resource-version.ts'
import { Reflector, type ReflectorNews, type Timing } from '../../operator/cluster/watch/reflector.ts'
import { seededRandom } from '../local/seeded-random.ts'
import { until } from '../local/until.ts'
import { onTestFinished } from '../own-test.ts'
import { apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { configMaps, ours } from './config-maps.ts'
import { type Fault, type FaultProxy, faultProxy, type Seen, status } from './fault-proxy.ts'
import { newNamespace } from './namespace.ts'

/** Short, so that a test does not wait; long against what a loaded machine needs for one answer. */
const quick = { watchMs: 60_000, silenceMs: 60_000, relistMs: 60_000 } satisfies Partial<Timing>

const nameAndValue = ({ metadata, data }: KubeObject) => ({
  name: metadata.name,
  value: (data as { value?: string } | undefined)?.value ?? '',
})

const isWatch = ({ query }: Seen): boolean => query.get('watch') === '1'
const isList = (seen: Seen): boolean => !isWatch(seen)

/** The first `n` requests that match have the fault; the others pass. */
function first(n: number, matches: (seen: Seen) => boolean, fault: Fault): (seen: Seen) => Fault {
  let left = n
  return (seen) => {
    if (left === 0 || !matches(seen)) return 'pass'
    left -= 1
    return fault
  }
}

const isDeepEqual = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  JSON.stringify([...a]) === JSON.stringify([...b])

const why = (news: readonly ReflectorNews[]): string =>
  news.map((n) => (n.about === 'interruption' ? n.why : '')).join('\n')
const lists = (news: readonly ReflectorNews[]): number => news.filter((n) => n.about === 'list').length

/** A namespace of one test alone, and reflectors that run until it ends. */
async function opened() {
  const api = apiOf(theCluster().access)
  const namespace = await newNamespace({ ...theCluster(), controllers: false }, api)
  const maps = configMaps(api, namespace)
  const proxy: FaultProxy = await faultProxy(theCluster().access)
  const ending = new AbortController()
  const runs: Promise<void>[] = []
  onTestFinished(async () => {
    ending.abort()
    await Promise.all(runs)
    await proxy.close()
  })

  const run = (reflector: Pick<Reflector<unknown>, 'run'>): void => void runs.push(reflector.run(ending.signal))
  function reflect(timing: Partial<Timing> = quick) {
    const news: ReflectorNews[] = []
    const counted = { changes: 0 }
    const reflector = new Reflector({
      api: openApi(proxy.connection, { callMs: 1500, listMs: 1500 }),
      resource: resources.configMaps,
      scope: { namespace, labelSelector: ours },
      keep: nameAndValue,
      changed: () => {
        counted.changes += 1
      },
      tell: (n) => news.push(n),
      timing,
    })
    run(reflector)
    const held = (): ReadonlyMap<string, string> =>
      new Map(
        reflector.store
          .values()
          .map((v) => [v.name, v.value] as const)
          .toSorted(),
      )
    const inStep = async (): Promise<void> => {
      const truth = await maps.all()
      await until(`the store holds ${[...truth.keys()]}`, () => isDeepEqual(held(), truth))
    }
    return { reflector, news, counted, held, inStep }
  }

  /** The list of all that there is now, as the API server says it. */
  const listed = async (): Promise<unknown> => {
    const path = `/api/v1/namespaces/${namespace}/configmaps?labelSelector=${encodeURIComponent(ours)}`
    return (await api.get(path)).body
  }
  return { namespace, maps, proxy, run, reflect, listed }
}

describe.runIf(givenCluster() !== undefined).concurrent('a reflector', () => {
  test('lists page by page, then hears of every change', async () => {
    const { maps, proxy, reflect } = await opened()
    for (let i = 0; i < 7; i++) await maps.create(`m${i}`, 'old')
    const { reflector, counted, inStep } = reflect({ ...quick, pageSize: 3 })
    await reflector.synced
    await inStep()
    expect(proxy.seen.filter(isList)).toHaveLength(3)
    const before = counted.changes
    await maps.create('new', '1')
    await maps.change('m1', 'young')
    await maps.remove('m2')
    await inStep()
    expect(counted.changes).toBe(before + 3)
    expect(proxy.seen.filter(isList)).toHaveLength(3)
  })

  test('holds objects that can not be changed', async () => {
    const { maps, reflect } = await opened()
    await maps.create('a', '1')
    const { reflector } = reflect()
    await reflector.synced
    const [held] = reflector.store.values()
    expect(() => Object.assign(held ?? {}, { value: '2' })).toThrow(TypeError)
  })

  test('asks for names and labels only, where nothing else is wanted', async () => {
    const { namespace, maps, proxy, run } = await opened()
    await maps.create('a', 'a secret')
    const seen: KubeObject[] = []
    const reflector = new Reflector({
      api: openApi(proxy.connection),
      resource: resources.configMaps,
      scope: { namespace, labelSelector: ours, metadataOnly: true },
      keep: (object) => seen.push(object),
      changed: () => undefined,
    })
    run(reflector)
    await reflector.synced
    await maps.create('b', 'another secret')
    await until('both are there', () => reflector.store.size === 2)
    expect(seen.map((o) => [o.kind, o.metadata.name, o['data']])).toEqual([
      ['ConfigMap', 'a', undefined],
      ['ConfigMap', 'b', undefined],
    ])
  })

  describe('survives, and then holds the truth', () => {
    const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } }
    const internal = { type: 'ERROR', object: { kind: 'Status', code: 500, reason: 'InternalError' } }

    test.each<[string, (seen: Seen) => boolean, Fault]>([
      ['K05: a reset list', isList, 'reset'],
      ['K05: a list answered 500', isList, status(500, 'InternalError')],
      ['K05: a list answered 403', isList, status(403, 'Forbidden')],
      ['a list answered 429', isList, status(429, 'TooManyRequests', { 'retry-after': '0' })],
      ['a list that never comes', isList, 'hang'],
      ['a list that is no list', isList, { code: 200, body: { kind: 'Nonsense' } }],
      ['a continue token that is too old', ({ query }) => query.has('continue'), status(410, 'Expired')],
      ['K05: a reset watch', isWatch, 'reset'],
      ['K05: a watch answered 500', isWatch, status(500, 'InternalError')],
      ['K05: a watch answered 403', isWatch, status(403, 'Forbidden')],
      ['K02: a watch answered 410', isWatch, status(410, 'Expired')],
      ['a watch that never comes', isWatch, 'hang'],
      ['a watch that comes late', isWatch, { delayMs: 300 }],
      ['K02: a watch that expires', isWatch, { lines: () => ({ say: JSON.stringify(gone) }) }],
      ['a watch that tells of an error', isWatch, { lines: () => ({ say: JSON.stringify(internal) }) }],
      ['a watch that ends in the middle of a line', isWatch, { lines: () => 'half' }],
      ['a watch that is cut', isWatch, { lines: () => 'cut' }],
      ['a line that is no JSON', isWatch, { lines: () => ({ say: '{"type": "ADDED", "object": {' }) }],
      ['an event of no known type', isWatch, { lines: () => ({ say: '{"type": "SURPRISE", "object": {}}' }) }],
    ])('%s', async (_name, matches, fault) => {
      const { maps, proxy, reflect } = await opened()
      await maps.create('a', '1')
      await maps.create('b', '1')
      proxy.rule = first(2, matches, fault)
      const { reflector, inStep } = reflect({ ...quick, pageSize: 1 })
      await reflector.synced
      await maps.change('a', '2')
      await maps.remove('b')
      await maps.create('c', '3')
      await inStep()
      expect(proxy.seen.some(matches), 'a request had the fault').toBe(true)
    })

    test('a watch that says nothing for too long', async () => {
      const { maps, proxy, reflect } = await opened()
      await maps.create('a', '1')
      proxy.rule = first(2, isWatch, { lines: () => 'silence' })
      const { reflector, news, inStep } = reflect({ ...quick, silenceMs: 400 })
      await reflector.synced
      await maps.change('a', '2')
      await inStep()
      expect(why(news)).toContain('said nothing for too long')
    })

    test('K09: a change that no watch tells of, until the next list', async () => {
      const { maps, proxy, reflect } = await opened()
      await maps.create('a', '1')
      proxy.rule = first(1, isWatch, { lines: () => 'drop' })
      const { reflector, news, inStep } = reflect({ ...quick, relistMs: 1500 })
      await reflector.synced
      await maps.change('a', '2')
      await inStep()
      expect(lists(news)).toBeGreaterThan(1)
    })

    test('K02: a deletion during an outage', async () => {
      const { maps, proxy, reflect } = await opened()
      await maps.create('a', '1')
      await maps.create('b', '1')
      const { reflector, inStep } = reflect()
      await reflector.synced
      await until('the reflector watches', () => proxy.seen.some(isWatch))
      proxy.rule = () => 'reset'
      proxy.cutAll()
      await maps.remove('a')
      await until('the reflector tries again', () => proxy.seen.length > 3)
      proxy.rule = () => 'pass'
      await inStep()
    })
  })

  test('does not believe a list from the past', async () => {
    const { maps, proxy, reflect, listed } = await opened()
    await maps.create('a', 'old')
    const body = await listed()
    const { reflector, news, held, inStep } = reflect({ ...quick, relistMs: 1000 })
    await reflector.synced
    await maps.change('a', 'new')
    await inStep()
    proxy.rule = first(2, isList, { code: 200, body })
    await until('the reflector was shown the past', () => why(news).includes('after version'))
    expect([...held()]).toEqual([['a', 'new']])
    await inStep()
  })

  test('takes a past that stays for the present, since it was restored', async () => {
    const { maps, proxy, reflect, listed } = await opened()
    await maps.create('a', 'old')
    const body = await listed()
    await maps.change('a', 'new')
    const { reflector, held } = reflect({ ...quick, relistMs: 1000 })
    await reflector.synced
    await until('the reflector watches', () => proxy.seen.some(isWatch))
    proxy.rule = (seen) => (isList(seen) ? { code: 200, body } : 'hang')
    await until('the old value is back', () => held().get('a') === 'old', 25_000)
  })

  test('gives a fresh list to whoever asks, whatever the watch is doing', async () => {
    const { maps, proxy, reflect } = await opened()
    await maps.create('a', '1')
    proxy.rule = (seen) => (isWatch(seen) ? { lines: () => 'drop' } : 'pass')
    const { reflector, held } = reflect()
    await reflector.synced
    await until('the reflector watches', () => proxy.seen.some(isWatch))
    const before = reflector.version
    await maps.change('a', '2')
    await Promise.all([reflector.refresh(), reflector.refresh()])
    expect([...held()]).toEqual([['a', '2']])
    expect(isOlder(before, reflector.version)).toBe(true)
    await maps.change('a', '3')
    await reflector.refresh()
    expect([...held()]).toEqual([['a', '3']])
  })

  test('tries less and less often after failures in a row', async () => {
    const { proxy, reflect } = await opened()
    proxy.rule = () => 'reset'
    const { news } = reflect()
    await until('five failures', () => news.length >= 5)
    const waits = news.flatMap((n) => (n.about === 'interruption' ? [n.waitMs] : []))
    expect(waits.slice(0, 5).every((w, i) => w >= 125 * 2 ** i && w <= 250 * 2 ** i)).toBe(true)
  })

  test('holds the truth after any mixture of faults and changes', async () => {
    const { maps, proxy, reflect } = await opened()
    const random = seededRandom(20_261_124)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const faults: readonly Fault[] = [
      'pass',
      'pass',
      'reset',
      status(500, 'InternalError'),
      status(410, 'Expired'),
      { delayMs: 50 },
      { lines: (_l, n) => (n < 2 ? 'pass' : 'half') },
      { lines: (_l, n) => (n < 3 ? 'pass' : { say: '{' }) },
      { lines: (_l, n) => (n < 1 ? 'pass' : 'silence') },
    ]
    const listFaults = faults.slice(0, 6)
    proxy.rule = (seen) => pick(isList(seen) ? listFaults : faults)
    const { reflector, inStep } = reflect({ pageSize: 4, watchMs: 2000, silenceMs: 300, relistMs: 4000 })
    await reflector.synced
    for (let i = 0; i < 60; i++) {
      const name = `m${Math.floor(random() * 12)}`
      const there = (await maps.all()).has(name)
      if (!there) await maps.create(name, `${i}`)
      else if (random() < 0.3) await maps.remove(name)
      else await maps.change(name, `${i}`)
    }
    proxy.rule = () => 'pass'
    await inStep()
  })
})
