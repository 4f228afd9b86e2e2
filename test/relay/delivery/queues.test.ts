/** What waits for a connection, and what waits for its time. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { Lane } from '../../../relay/delivery/lane.ts'
import { ReadyQueue } from '../../../relay/delivery/ready-queue.ts'
import { Room } from '../../../relay/delivery/room.ts'
import { Schedule } from '../../../relay/delivery/schedule.ts'
import { route } from './samples.ts'

const drain = (queue: ReadyQueue<string>): string[] => {
  const items: string[] = []
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item)
  return items
}

test('credentials take turns, each first in, first out', () => {
  const queue = new ReadyQueue<string>()
  for (let i = 0; i < 4; i++) queue.push('flood', `f${i}`)
  queue.push('b', 'b0')
  queue.push('b', 'b1')
  queue.push('c', 'c0')
  expect(drain(queue)).toEqual(['f0', 'b0', 'c0', 'f1', 'b1', 'f2', 'f3'])
})

test('of a thousand credentials sixteen are looked at, and the next time those behind them', () => {
  const queue = new ReadyQueue<string>()
  for (let i = 0; i < 1000; i++) queue.push(`c${i}`, `c${i}`)
  let looks = 0
  const isMeant = (credential: string): boolean => ++looks > 0 && credential === 'c40'
  expect([queue.shiftOf(isMeant), looks]).toEqual([undefined, 16])
  expect([queue.shiftOf(isMeant), queue.shiftOf(isMeant)]).toEqual([undefined, 'c40'])
  expect(drain(queue)).toHaveLength(999)
  queue.push('alone', 'it')
  expect([queue.shiftOf(() => false), queue.shiftOf(() => true), queue.size]).toEqual([undefined, 'it', 0])
})

test('a newcomer does not wait for the flood before it', () => {
  const queue = new ReadyQueue<string>()
  for (let i = 0; i < 10_000; i++) queue.push('flood', `f${i}`)
  for (let i = 0; i < 3000; i++) queue.shift()
  queue.push('b', 'b0')
  expect([queue.shift(), queue.shift()]).toContain('b0')
})

test('nothing is lost, nothing is doubled, and each credential keeps its order', () => {
  const push = fc.record({ credential: fc.constantFrom('a', 'b', 'c') })
  const steps = fc.array(fc.oneof(push, fc.constant('shift' as const), fc.constant('take' as const)), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new ReadyQueue<string>()
      const [given, taken]: [string[], string[]] = [[], []]
      for (const [i, step] of all.entries()) {
        if (step === 'take') taken.push(...queue.take((item) => item.endsWith('7')))
        else if (step === 'shift') taken.push(...[queue.shift()].filter((item) => item !== undefined))
        else {
          given.push(`${step.credential}${i}`)
          queue.push(step.credential, `${step.credential}${i}`)
        }
        expect(queue.size).toBe(given.length - taken.length)
      }
      const rest = drain(queue)
      expect([...taken, ...rest].sort()).toEqual(given.sort())
      for (const c of ['a', 'b', 'c']) {
        const numbers = rest.filter((item) => item.startsWith(c)).map((item) => Number(item.slice(1)))
        expect(numbers).toEqual(numbers.toSorted((x, y) => x - y))
      }
    }),
  )
})

test('the schedule gives out in the order of time, and nothing early', () => {
  vi.useFakeTimers()
  try {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 100 }), (times) => {
        const start = Date.now()
        const out: { item: number; at: number }[] = []
        const schedule = new Schedule(Date.now, (items) => {
          for (const handle of items) out.push({ item: times[handle] ?? -1, at: Date.now() - start })
        })
        for (const [handle, time] of times.entries()) schedule.add(handle, start + time)
        vi.advanceTimersByTime(1000)
        expect(out.map((o) => o.item)).toEqual(times.toSorted((x, y) => x - y))
        for (const { item, at } of out) expect(at).toBeGreaterThanOrEqual(item)
        expect(schedule.size).toBe(0)
      }),
    )
  } finally {
    vi.useRealTimers()
  }
})

test('what is due later than a timer can hold is given out at its time', () => {
  vi.useFakeTimers()
  try {
    const due = vi.fn()
    const schedule = new Schedule(Date.now, due)
    schedule.add(7, Date.now() + 2 ** 31)
    vi.advanceTimersByTime(2 ** 31 - 1)
    expect(due).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(due).toHaveBeenCalledWith([7])
  } finally {
    vi.useRealTimers()
  }
})

test('a timer of a lane never gets more than a timer can hold', () => {
  const set = vi.spyOn(globalThis, 'setTimeout')
  const lane = new Lane({ route: route('r', []), room: new Room(), mostRecipients: 1, window: () => 1 })
  lane.wakeAt(2 ** 40, 0, () => {})
  expect(set.mock.lastCall?.[1]).toBe(2 ** 31 - 1)
  lane.empty()
  set.mockRestore()
})
