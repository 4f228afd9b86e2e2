/** An alarm rings when the last time that it was set to is over, and makes one timer, however often it is set. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Alarm } from '../../relay/alarm.ts'
import { longestTimerMs } from '../../relay/timer.ts'
import { until } from '../local/until.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function alarm() {
  const began = performance.now()
  const rings: number[] = []
  const made = new Alarm(() => void rings.push(Math.round(performance.now() - began)))
  return { made, rings }
}

test('an alarm rings once, when its time is over', () => {
  const { made, rings } = alarm()
  made.set(100)
  vi.advanceTimersByTime(99)
  expect(rings).toEqual([])
  vi.advanceTimersByTime(1000)
  expect(rings).toEqual([100])
})

test.each([
  ['a later time', 100, 500, [550]],
  ['an earlier time', 500, 100, [150]],
  ['the same time', 100, 100, [150]],
])('an alarm that is set to %s after 50 ms rings at the new time only', (_name, first, second, expected) => {
  const { made, rings } = alarm()
  made.set(first)
  vi.advanceTimersByTime(50)
  made.set(second)
  vi.advanceTimersByTime(2000)
  expect(rings).toEqual(expected)
})

test('an alarm that was unset does not ring, and may be set again before and after the time at which it would have rung', () => {
  const { made, rings } = alarm()
  made.set(100)
  made.unset()
  vi.advanceTimersByTime(50)
  made.set(100)
  vi.advanceTimersByTime(200)
  expect(rings).toEqual([150])
  made.set(100)
  made.unset()
  vi.advanceTimersByTime(200)
  made.set(100)
  vi.advanceTimersByTime(200)
  expect(rings).toEqual([150, 550])
})

test('an alarm that is set to a longer time than a timer can hold does not ring early', () => {
  const { made, rings } = alarm()
  made.set(longestTimerMs + 1000)
  vi.advanceTimersByTime(longestTimerMs + 999)
  expect(rings).toEqual([])
  vi.advanceTimersByTime(1)
  expect(rings).toEqual([longestTimerMs + 1000])
})

test('octets that came while the process was too busy to look at them came in time: the alarm does not ring (cases R02, U01)', async () => {
  vi.useRealTimers()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [socket] = (await accepted) as [Socket]
  const { made, rings } = alarm()
  socket.on('data', () => made.unset())
  made.set(20)
  client.write('x')
  busyFor(200)
  await once(socket, 'data')
  expect(rings).toEqual([])
  made.set(20)
  await until('the alarm rings where nothing comes', () => rings.length === 1)
  client.destroy()
  socket.destroy()
  server.close()
})

const busyFor = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('an alarm whose time was over while the process was busy rings after that, where nothing came (case U01)', async () => {
  vi.useRealTimers()
  const { made, rings } = alarm()
  made.set(20)
  busyFor(200)
  await until('the alarm rings', () => rings.length === 1)
})

test('an alarm that ends just before it would have rung late does not ring', async () => {
  vi.useRealTimers()
  const { made, rings } = alarm()
  made.set(20)
  const ended = new Promise<void>((resolve) => {
    setTimeout(() => {
      made.end()
      resolve()
    }, 21)
  })
  busyFor(200)
  await ended
  // Whatever it has asked for by then is over before this one rings.
  const later = alarm()
  later.made.set(20)
  busyFor(200)
  await until('the later alarm rings', () => later.rings.length === 1)
  expect(rings).toEqual([])
})

test('an alarm that has ended leaves no timer behind, and may be set again', () => {
  const { made, rings } = alarm()
  made.set(1000)
  made.set(100)
  made.end()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(1000)
  expect(rings).toEqual([])
  made.set(500)
  vi.advanceTimersByTime(2000)
  expect(rings).toEqual([1500])
})

test('an alarm that is set and unset a thousand times in a row makes one timer', () => {
  const { made, rings } = alarm()
  const set = vi.spyOn(globalThis, 'setTimeout')
  for (let i = 0; i < 1000; i++) {
    made.set(1000)
    made.unset()
  }
  expect(set).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(5000)
  expect(rings).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
