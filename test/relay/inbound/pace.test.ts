/** A client that sends its content too slowly is found out in time; one that pauses, or is kept waiting by us, is not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Patience } from '../../../relay/inbound/pace.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

type Chunk = { readonly afterMs: number; readonly octets: number }

/** The second in which the sender was found too slow; undefined where it never was. */
async function foundSlowAt(chunks: readonly Chunk[], ourMs = 0): Promise<number | undefined> {
  const start = performance.now()
  let at: number | undefined
  const patience = new Patience({ bytesPerSecond: 500, patienceMs: 60_000 }, () => {
    at ??= Math.round((performance.now() - start) / 1000)
  })
  for (const { afterMs, octets } of chunks) {
    patience.wait()
    await vi.advanceTimersByTimeAsync(afterMs)
    patience.came(octets)
    await vi.advanceTimersByTimeAsync(ourMs)
  }
  patience.over()
  expect(vi.getTimerCount()).toBe(0)
  return at
}

const each = (count: number, chunk: Chunk): Chunk[] => Array.from({ length: count }, () => chunk)

test('a client that sends an octet a second is too slow when the patience of a minute is over (case R02)', async () => {
  expect(await foundSlowAt(each(100, { afterMs: 1_000, octets: 1 }))).toBe(60)
})

test('a client that sends nothing is too slow when the patience of a minute is over', async () => {
  expect(await foundSlowAt([{ afterMs: 61_000, octets: 1_000_000 }])).toBe(60)
})

test('at half the rate the patience lasts twice as long', async () => {
  expect(await foundSlowAt(each(200, { afterMs: 1_000, octets: 250 }))).toBeGreaterThanOrEqual(119)
})

test('a client that sends at the least rate is never too slow', async () => {
  expect(await foundSlowAt(each(1_000, { afterMs: 1_000, octets: 500 }))).toBeUndefined()
})

test('a pause within the patience is forgiven, and however much came before a pause allows no longer one', async () => {
  const burst = { afterMs: 1, octets: 10_000_000 }
  expect(
    await foundSlowAt([burst, { afterMs: 59_000, octets: 30_000 }, { afterMs: 59_000, octets: 1 }]),
  ).toBeUndefined()
  expect(await foundSlowAt([burst, { afterMs: 61_000, octets: 1 }])).toBe(60)
})

test('the time that our disk takes is not counted as slowness of the client', async () => {
  expect(await foundSlowAt(each(5, { afterMs: 1, octets: 1 }), 50_000)).toBeUndefined()
})

test('each content has the whole patience, and the timer of the one before does not end it', async () => {
  const tooSlow = vi.fn()
  const patience = new Patience({ bytesPerSecond: 500, patienceMs: 60_000 }, tooSlow)
  for (let n = 0; n < 3; n++) {
    patience.begin()
    patience.wait()
    await vi.advanceTimersByTimeAsync(59_000)
    patience.came(1)
    patience.end()
    await vi.advanceTimersByTimeAsync(10_000)
  }
  expect(tooSlow).not.toHaveBeenCalled()
  patience.begin()
  patience.wait()
  await vi.advanceTimersByTimeAsync(59_999)
  expect(tooSlow).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(tooSlow).toHaveBeenCalledOnce()
  patience.over()
  expect(vi.getTimerCount()).toBe(0)
})
