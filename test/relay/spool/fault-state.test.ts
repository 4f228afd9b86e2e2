/** A fault of the spool is told once, its mending is tried each second, and its end is told once. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Fault } from '../../../relay/spool/fault.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched(mend: () => Promise<void>) {
  const told: string[] = []
  const events = { spoolFault: (why: string) => told.push(`fault ${why}`), spoolRecovered: () => told.push('mended') }
  return { told, fault: new Fault({ events, mend }) }
}
const full = new SpoolError('full', 'no room')
const io = new SpoolError('fault', 'EIO')

test('a fault is told once, its mending is tried once a second, and its end is told once', async () => {
  let tries = 0
  const { told, fault } = watched(async () => {
    tries += 1
    if (tries < 3) throw full
  })
  fault.raise(full)
  fault.raise(io)
  await vi.advanceTimersByTimeAsync(999)
  expect([tries, told]).toEqual([0, ['fault no room']])
  await vi.advanceTimersByTimeAsync(2000)
  expect([tries, fault.error]).toEqual([2, full])
  await vi.advanceTimersByTimeAsync(1)
  expect([tries, fault.error, told]).toEqual([3, undefined, ['fault no room', 'mended']])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(tries).toBe(3)
})

test('a fault that comes while the last one is mended is not forgotten', async () => {
  let tries = 0
  const { told, fault } = watched(async () => {
    tries += 1
    if (tries === 1) fault.raise(io)
  })
  fault.raise(full)
  await vi.advanceTimersByTimeAsync(1000)
  expect([fault.error, told]).toEqual([io, ['fault no room']])
  await vi.advanceTimersByTimeAsync(1000)
  expect([fault.error, told]).toEqual([undefined, ['fault no room', 'mended']])
})

test('the reason of a fault keeps its words while its kind stays the same: else whoever watches it would see news each second', async () => {
  let free = 10
  const { fault } = watched(async () => {
    free += 1
    throw new SpoolError('full', `${free} octets are free`)
  })
  fault.raise(full)
  await vi.advanceTimersByTimeAsync(3000)
  expect([free, fault.error]).toEqual([13, full])
})

test('that it stays so for a reason of the other kind is told as well, and each kind once, also of a disk that says both in turns', async () => {
  let tries = 0
  const { told, fault } = watched(async () => {
    tries += 1
    if (tries < 6) throw tries % 2 === 1 ? full : io
  })
  fault.raise(io)
  await vi.advanceTimersByTimeAsync(5000)
  expect([tries, told]).toEqual([5, ['fault EIO', 'fault no room']])
  await vi.advanceTimersByTimeAsync(1000)
  tries = 0
  fault.raise(io)
  await vi.advanceTimersByTimeAsync(1000)
  // Of an outage, each time: whoever has seen the last one end knows nothing of this one.
  expect(told).toEqual(['fault EIO', 'fault no room', 'mended', 'fault EIO', 'fault no room'])
  await fault.stop()
})

test('the end of a fault is told when no write hangs any more either', async () => {
  const { told, fault } = watched(async () => {})
  fault.silent('no answer')
  fault.raise(io)
  await vi.advanceTimersByTimeAsync(1000)
  expect([fault.why, told]).toEqual(['no answer', ['fault no answer', 'fault EIO']])
  fault.silent(undefined)
  expect([fault.why, told]).toEqual([undefined, ['fault no answer', 'fault EIO', 'mended']])
})

test('a mending that is under way is waited for by stop, and what comes of it is not told', async () => {
  const mending = Promise.withResolvers<void>()
  const { told, fault } = watched(() => mending.promise)
  fault.raise(full)
  await vi.advanceTimersByTimeAsync(1000)
  let isStopped = false
  const stopping = fault.stop().then(() => {
    isStopped = true
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(isStopped).toBe(false)
  mending.reject(io)
  await stopping
  expect(told).toEqual(['fault no room'])
})

test('what fails after stop is not told, also where nothing had failed before', async () => {
  const { told, fault } = watched(async () => {})
  await fault.stop()
  fault.raise(io)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(told).toEqual([])
})

test('after stop no mending is tried, and nothing is told', async () => {
  let tries = 0
  const { told, fault } = watched(async () => {
    tries += 1
  })
  fault.raise(full)
  await fault.stop()
  fault.raise(io)
  await vi.advanceTimersByTimeAsync(10_000)
  expect([tries, told]).toEqual([0, ['fault no room']])
})
