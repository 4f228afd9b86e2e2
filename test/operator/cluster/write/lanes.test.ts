/** Lanes: the newest wins, failures wait alone, and nobody waits for another. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { refusal } from '../../../../operator/cluster/api/api-error.ts'
import { openLanes } from '../../../../operator/cluster/write/lanes.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

type Job = { readonly id: string; readonly does?: 'fail' | Error | Promise<void> }

function open() {
  const done: string[] = []
  const waits: number[] = []
  const tooks: number[] = []
  const lanes = openLanes<Job>({
    work: async (lane, { id, does }) => {
      done.push(`${lane}:${id}`)
      if (does === 'fail') throw new Error('no')
      if (does instanceof Error) throw does
      await does
    },
    failed: (_lane, _error, waitMs) => waits.push(waitMs),
    backoff: { firstMs: 100, longestMs: 400 },
    random: () => 1,
    took: (ms) => tooks.push(ms),
  })
  return { lanes, done, waits, tooks, give: (lane: string, job: Job) => lanes.give(lane, job, job.id) }
}

test('each lane does its work', async () => {
  const { lanes, done, give } = open()
  give('a', { id: '1' })
  give('b', { id: '1' })
  await lanes.rest(1000)
  expect(done).toEqual(['a:1', 'b:1'])
})

test('one at a time in a lane, and of those that wait the newest', async () => {
  const { lanes, done, give } = open()
  const slow = Promise.withResolvers<void>()
  give('a', { id: '1', does: slow.promise })
  give('a', { id: '2' })
  give('a', { id: '3' })
  expect(done).toEqual(['a:1'])
  slow.resolve()
  await lanes.rest(1000)
  expect(done).toEqual(['a:1', 'a:3'])
})

test('a lane that hangs holds up neither another nor, for long, the turn', async () => {
  const { lanes, done, give } = open()
  give('a', { id: '1', does: new Promise(() => undefined) })
  const rest = lanes.rest(2000)
  give('b', { id: '1' })
  await vi.advanceTimersByTimeAsync(2000)
  await rest
  give('b', { id: '2' })
  await vi.advanceTimersByTimeAsync(0)
  expect(done).toEqual(['a:1', 'b:1', 'b:2'])
})

test('a failure is tried again, less and less often', async () => {
  const { done, waits, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(100 + 200 + 400 + 400)
  expect(waits).toEqual([100, 200, 400, 400, 400])
  expect(done).toHaveLength(5)
})

test('the same job given again does not hurry a failure', async () => {
  const { done, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(50)
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(49)
  expect(done).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toHaveLength(2)
})

test('another job does, and starts with a clean slate', async () => {
  const { done, waits, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(300)
  give('a', { id: '2', does: 'fail' })
  await vi.advanceTimersByTimeAsync(0)
  expect(done).toEqual(['a:1', 'a:1', 'a:1', 'a:2'])
  expect(waits.at(-1)).toBe(100)
})

test('another job that came while the first one failed goes at once', async () => {
  const { done, give } = open()
  const slow = Promise.withResolvers<void>()
  give('a', { id: '1', does: slow.promise })
  give('a', { id: '2' })
  slow.reject(new Error('no'))
  await vi.advanceTimersByTimeAsync(0)
  expect(done).toEqual(['a:1', 'a:2'])
})

test('a lane that waits for another try is at rest', async () => {
  const { lanes, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(0)
  await lanes.rest(0)
})

test('after the end nothing is started', async () => {
  const { lanes, done, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(0)
  lanes.close()
  give('b', { id: '1' })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(done).toEqual(['a:1'])
})

test('how long it took is told of what was done, and not of what failed', async () => {
  const { give, tooks } = open()
  give('a', { id: '1', does: new Promise((resolve) => setTimeout(resolve, 70)) })
  give('b', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(80)
  expect(tooks).toEqual([70])
})

test.each([
  ['five seconds', 5000, 5000],
  ['a day', 86_400_000, 60_000],
  ['less than would be waited for anyway', 50, 100],
])('a server that is busy, and asks for %s, is asked again then, or in a minute', async (_name, wish, waitMs) => {
  const { done, waits, give } = open()
  give('a', { id: '1', does: refusal('patch', 429, {}, wish) })
  await vi.advanceTimersByTimeAsync(waitMs - 1)
  expect(waits).toEqual([waitMs])
  expect(done).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toHaveLength(2)
})
