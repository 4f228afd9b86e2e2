/** Fleets whose namespaces do not answer hold up the others for a moment only, and once. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Api } from '../../../../operator/cluster/api/api.ts'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import type { Place } from '../../../../operator/cluster/api/resource.ts'
import { KnownFleets } from '../../../../operator/cluster/fleets/known-fleets.ts'
import type { DeclaredObject } from '../../../../operator/cluster/watch/declared.ts'
import type { Name } from '../../../../operator/compile/snapshot.ts'

const notFound = (): ApiError => new ApiError('refused', 'there is none', { code: 404 })

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const names = (namespace: string, count: number): readonly Name[] =>
  Array.from({ length: count }, (_, i) => `${namespace}/shared-${i}` as const)

/** Fleets in a cluster that does not answer what is asked of these namespaces. */
function opened(...hanging: readonly string[]) {
  const silent = new Set(hanging)
  const release: (() => void)[] = []
  const merge = ({ namespace = '' }: Place): Promise<KubeObject> =>
    silent.has(namespace)
      ? new Promise((_, reject) => release.push(() => reject(notFound())))
      : Promise.reject(notFound())
  let late = 0
  const fleets = new KnownFleets({
    world: { declaredAs: (ref) => ({ uid: `uid of ${ref}` }) as DeclaredObject, refresh: async () => undefined },
    mayWrite: () => true,
    round: () => 1,
    look: {
      api: { merge: (_resource: unknown, place: Place) => merge(place) } as unknown as Api,
      signal: new AbortController().signal,
      patienceMs: 3000,
      backoff: { firstMs: 500, longestMs: 500 },
      late: () => {
        late += 1
      },
    },
  })
  fleets.leads()
  /** How long the answer took, and which fleets it has. */
  async function answered(asked: readonly Name[]): Promise<readonly [ms: number, looked: readonly Name[]]> {
    const begin = Date.now()
    let ended: number | undefined
    const all = fleets.answered(asked, new AbortController().signal).then((found) => {
      ended = Date.now()
      return found
    })
    while (ended === undefined && Date.now() - begin < 60_000) await vi.advanceTimersByTimeAsync(10)
    if (ended === undefined) throw new Error('it waits for ever')
    return [ended - begin, (await all).filter((f) => f.isLooked).map((f) => f.name)]
  }
  return { answered, release: () => void release.splice(0).map((r) => r()), late: () => late, silent }
}

test('fifty fleets that do not answer are waited for three seconds in all at first, and later less than half a second', async () => {
  const { answered } = opened('silent')
  const [good, bad] = [names('mail', 30), names('silent', 50)]
  const [ms, looked] = await answered([...bad.slice(0, 5), ...good, ...bad.slice(5)])
  expect(ms).toBeLessThanOrEqual(3100)
  expect(looked).toEqual(good)
  expect(await answered([...bad, ...good])).toEqual([expect.toSatisfy((again: number) => again <= 450), good])
  expect(await answered([...bad.slice(0, 5), ...good])).toEqual([
    expect.toSatisfy((again: number) => again <= 10),
    good,
  ])
})

test('fleets that were known stay known, though twenty new ones before them do not answer', async () => {
  const { answered } = opened('silent')
  const good = names('mail', 3)
  await answered(good)
  const [ms, looked] = await answered([...names('silent', 20), ...good])
  expect(ms).toBeLessThanOrEqual(450)
  expect(looked).toEqual(good)
})

test('an answer that comes late is told, so that the fleets are asked for again', async () => {
  const { answered, release, late, silent } = opened('silent')
  const bad = names('silent', 1)
  await answered(bad)
  silent.clear()
  release()
  await vi.advanceTimersByTimeAsync(1000)
  expect(late()).toBe(1)
  expect(await answered(bad)).toEqual([expect.toSatisfy((ms: number) => ms <= 10), bad])
})
