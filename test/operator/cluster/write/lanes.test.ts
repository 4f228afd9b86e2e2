/** Each lane does one job at a time and the newest of those that wait, and neither a failure nor a hanging job holds up another lane. */
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

test('a job that is given to a lane is done', async () => {
  const { lanes, done, give } = open()
  give('a', { id: '1' })
  give('b', { id: '1' })
  await lanes.rest(1000)
  expect(done).toEqual(['a:1', 'b:1'])
})

test('a lane does one job at a time, and of the jobs that wait only the newest', async () => {
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

test('a lane that hangs does not hold up another lane, and is waited for only as long as rest allows', async () => {
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

test('a job that fails is tried again, less and less often', async () => {
  const { done, waits, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(100 + 200 + 400 + 400)
  expect(waits).toEqual([100, 200, 400, 400, 400])
  expect(done).toHaveLength(5)
})

test('giving the same job again does not shorten the wait after its failure', async () => {
  const { done, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(50)
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(49)
  expect(done).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toHaveLength(2)
})

test('giving another job ends the wait after a failure, and the waits begin again with the shortest', async () => {
  const { done, waits, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(300)
  give('a', { id: '2', does: 'fail' })
  await vi.advanceTimersByTimeAsync(0)
  expect(done).toEqual(['a:1', 'a:1', 'a:1', 'a:2'])
  expect(waits.at(-1)).toBe(100)
})

test('another job that was given before the first one failed is done at once', async () => {
  const { done, give } = open()
  const slow = Promise.withResolvers<void>()
  give('a', { id: '1', does: slow.promise })
  give('a', { id: '2' })
  slow.reject(new Error('no'))
  await vi.advanceTimersByTimeAsync(0)
  expect(done).toEqual(['a:1', 'a:2'])
})

test('a lane that waits for its next try counts as at rest', async () => {
  const { lanes, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(0)
  await lanes.rest(0)
})

test('after close no job is started', async () => {
  const { lanes, done, give } = open()
  give('a', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(0)
  lanes.close()
  give('b', { id: '1' })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(done).toEqual(['a:1'])
})

test('the time that a job took is told if the job was done, and not if it failed', async () => {
  const { give, tooks } = open()
  give('a', { id: '1', does: new Promise((resolve) => setTimeout(resolve, 70)) })
  give('b', { id: '1', does: 'fail' })
  await vi.advanceTimersByTimeAsync(80)
  expect(tooks).toEqual([70])
})

test.each([
  ['five seconds', 5000, 5000],
  ['a day', 86_400_000, 60_000],
  ['less than the usual wait', 50, 100],
])('a job that a busy server puts off by %s is tried again then, after the usual wait or after a minute', async (_name, wish, waitMs) => {
  const { done, waits, give } = open()
  give('a', { id: '1', does: refusal('patch', 429, {}, wish) })
  await vi.advanceTimersByTimeAsync(waitMs - 1)
  expect(waits).toEqual([waitMs])
  expect(done).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toHaveLength(2)
})
