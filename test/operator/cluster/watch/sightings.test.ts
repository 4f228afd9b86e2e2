/** Secrets and ConfigMaps are looked at again and again; a change raises the flag, trouble changes nothing, and what nobody asks for is dropped. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { openSightings } from '../../../../operator/cluster/watch/sightings.ts'
import type { Reference } from '../../../../operator/compile/compiled.ts'
import type { Keyed } from '../../../../operator/compile/snapshot.ts'

const everyMs = 30_000
const trouble = new ApiError('unreachable', 'no connection')

let ending: AbortController
beforeEach(() => {
  vi.useFakeTimers()
  ending = new AbortController()
})
afterEach(() => {
  ending.abort()
  vi.useRealTimers()
})

/** Sightings of a cluster that answers with what is in `answers`; what is not in it does not exist. */
function watching(answers: Partial<Record<Reference, Keyed | Error>> = {}) {
  const looks: Reference[] = []
  const news: (readonly [reference: Reference, why: string])[] = []
  const counted = { raised: 0, atOnce: 0, most: 0 }
  const sightings = openSightings({
    async sight(reference) {
      looks.push(reference)
      counted.atOnce += 1
      counted.most = Math.max(counted.most, counted.atOnce)
      await Promise.resolve()
      counted.atOnce -= 1
      const answer = answers[reference]
      if (answer instanceof Error) throw answer
      return answer
    },
    dirty: {
      mark: () => {
        counted.raised += 1
      },
    },
    tell: (...told) => news.push(told),
    everyMs,
  })
  const see = (...asked: Reference[]) => sightings.see(new Set(asked), ending.signal)
  return { sightings, answers, looks, news, counted, see, run: () => void sightings.run(ending.signal) }
}

test('objects that exist are seen, and others are not', async () => {
  const { sightings, see, counted } = watching({
    'Secret a/there': { type: 't' },
    'ConfigMap a/ca': { keys: ['ca.crt'] },
  })
  await see('Secret a/there', 'Secret a/absent', 'ConfigMap a/ca', 'ConfigMap a/there')
  expect([...sightings.secrets()]).toEqual([['a/there', { type: 't' }]])
  expect([...sightings.configMaps()]).toEqual([['a/ca', { keys: ['ca.crt'] }]])
  expect(counted.raised).toBe(0)
})

test('the first answer about an object is waited for while looking fails', async () => {
  const { sightings, answers, looks, news, see } = watching({ 'Secret a/late': trouble })
  let isDone = false
  const seen = see('Secret a/late').then(() => {
    isDone = true
  })
  await vi.advanceTimersByTimeAsync(4000)
  expect([isDone, looks.length > 2, looks.length < 15]).toEqual([false, true, true])
  expect(news[0]).toEqual(['Secret a/late', 'no connection'])
  delete answers['Secret a/late']
  await vi.advanceTimersByTimeAsync(2000)
  await seen
  expect(sightings.secrets().size).toBe(0)
})

test('an object that can not be looked at is waited for 12 s at most, and counts as existing until it is known', async () => {
  const { sightings, answers, counted, see, run } = watching({ 'Secret a/b': trouble })
  run()
  const seen = see('Secret a/b')
  await vi.advanceTimersByTimeAsync(12_500)
  await seen
  expect([sightings.secrets().get('a/b'), counted.raised]).toEqual([{}, 0])
  await vi.advanceTimersByTimeAsync(20_000)
  expect([sightings.secrets().get('a/b'), counted.raised]).toEqual([{}, 0])
  delete answers['Secret a/b']
  await vi.advanceTimersByTimeAsync(8000)
  expect([sightings.secrets().size, counted.raised]).toEqual([0, 1])
})

test('the signal ends the wait for the first answer', async () => {
  const { sightings, see } = watching({ 'Secret a/late': trouble })
  const seen = see('Secret a/late')
  await vi.advanceTimersByTimeAsync(1000)
  ending.abort()
  await seen
  expect(sightings.secrets().size).toBe(0)
})

test('asking again for an object that was seen does not look at it again', async () => {
  const { looks, see } = watching({ 'Secret a/b': {} })
  await see('Secret a/b')
  await see('Secret a/b', 'Secret a/c')
  expect(looks).toEqual(['Secret a/b', 'Secret a/c'])
})

test('three hundred objects are looked at four at a time', async () => {
  const { sightings, counted, see } = watching()
  await see(...Array.from({ length: 300 }, (_, i) => `Secret a/s${i}` as const))
  expect(counted.most).toBe(4)
  expect(sightings.secrets().size).toBe(0)
})

test.each<[string, Keyed | undefined, Keyed | undefined, number]>([
  ['a Secret that is deleted raises the flag', {}, undefined, 1],
  ['a Secret that is created raises the flag', undefined, {}, 1],
  ['a change of its keys raises the flag', { keys: ['a'] }, { keys: ['b'] }, 1],
  ['no change leaves the flag down', { keys: ['a'] }, { keys: ['a'] }, 0],
])('K27: within a minute, %s', async (_name, before, after, raised) => {
  const { sightings, answers, counted, looks, see, run } = watching(
    before === undefined ? {} : { 'Secret a/b': before },
  )
  run()
  await see('Secret a/b')
  if (after === undefined) delete answers['Secret a/b']
  else answers['Secret a/b'] = after
  await vi.advanceTimersByTimeAsync(50_000)
  expect(looks.length).toBeGreaterThan(1)
  expect(counted.raised).toBe(raised)
  expect(sightings.secrets().get('a/b')).toEqual(after)
})

test('while looking fails the last answer stays, and looking is tried again', async () => {
  const { sightings, answers, counted, looks, see, run } = watching({ 'Secret a/b': { keys: ['a'] } })
  run()
  await see('Secret a/b')
  answers['Secret a/b'] = trouble
  await vi.advanceTimersByTimeAsync(120_000)
  expect(looks.length).toBeGreaterThan(3)
  expect([counted.raised, sightings.secrets().get('a/b')]).toEqual([0, { keys: ['a'] }])
})

test('an object that is no longer asked for is neither looked at nor listed', async () => {
  const { sightings, looks, see, run } = watching({ 'Secret a/b': {}, 'Secret a/c': {} })
  run()
  await see('Secret a/b', 'Secret a/c')
  await see('Secret a/c')
  expect([...sightings.secrets().keys()]).toEqual(['a/c'])
  looks.length = 0
  await vi.advanceTimersByTimeAsync(120_000)
  expect(new Set(looks)).toEqual(new Set(['Secret a/c']))
})

test('a hundred objects are all looked at within a minute, and spread over it', async () => {
  const all = Array.from({ length: 100 }, (_, i) => `Secret a/s${i}` as const)
  const { looks, see, run } = watching()
  run()
  await see(...all)
  looks.length = 0
  await vi.advanceTimersByTimeAsync(26_000)
  const early = looks.length
  await vi.advanceTimersByTimeAsync(34_000)
  expect(new Set(looks).size).toBe(100)
  expect(early).toBeGreaterThan(0)
  expect(early).toBeLessThan(60)
})

test('three thousand objects are looked at no faster than ten a second', async () => {
  const { looks, see, run } = watching()
  run()
  await see(...Array.from({ length: 3000 }, (_, i) => `Secret a/s${i}` as const))
  looks.length = 0
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks.length).toBeLessThanOrEqual(600)
  await vi.advanceTimersByTimeAsync(300_000)
  expect(new Set(looks).size).toBe(3000)
})
