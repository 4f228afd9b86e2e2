/** The queues of delivery: what waits for a connection takes fair turns, and what waits for its time gets it. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { unproven } from '../../../relay/delivery/health.ts'
import { Lane } from '../../../relay/delivery/lane.ts'
import type { Pool } from '../../../relay/delivery/pool.ts'
import { ReadyQueue } from '../../../relay/delivery/ready-queue.ts'
import { Room } from '../../../relay/delivery/room.ts'
import { Schedule } from '../../../relay/delivery/schedule.ts'
import { track } from '../../../relay/delivery/tracked.ts'
import { untried } from '../../../relay/spool/replay.ts'
import { envelope, hello, route } from './samples.ts'

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

test('of a thousand credentials a search looks at sixteen, and the next search at those behind them', () => {
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

test('a credential that is new does not wait for the flood of another one before it', () => {
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

test('the schedule gives each message out once, at the earliest time that it was added with, in the order of these times', () => {
  const added = fc.record({ handle: fc.integer({ min: 0, max: 60 }), time: fc.integer({ min: 0, max: 1000 }) })
  vi.useFakeTimers()
  try {
    fc.assert(
      // The second round may add what the first one gave out.
      fc.property(fc.array(fc.array(added, { maxLength: 100 }), { maxLength: 2 }), (rounds) => {
        let out: { handle: number; at: number }[] = []
        const schedule = new Schedule(Date.now, (handles) => {
          for (const handle of handles) out.push({ handle, at: Date.now() })
        })
        for (const all of rounds) {
          const start = Date.now()
          out = []
          const earliest = new Map<number, number>()
          for (const { handle, time } of all) {
            schedule.add(handle, start + time)
            earliest.set(handle, Math.min(start + time, earliest.get(handle) ?? Number.POSITIVE_INFINITY))
            expect(schedule.size).toBe(earliest.size)
          }
          vi.advanceTimersByTime(1001)
          const times = out.map(({ handle }) => earliest.get(handle) ?? -1)
          expect(times).toEqual([...earliest.values()].toSorted((x, y) => x - y))
          expect(new Set(out.map(({ handle }) => handle)).size).toBe(out.length)
          // A timer rings a millisecond late at the most.
          for (const [i, { at }] of out.entries()) expect([0, 1]).toContain(at - (times[i] ?? -1))
          expect(schedule.size).toBe(0)
        }
      }),
    )
  } finally {
    vi.useRealTimers()
  }
})

test('a message that is due later than a timer can hold is given out at its time', () => {
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

test('a lane never sets its timer to more than a timer can hold', () => {
  const set = vi.spyOn(globalThis, 'setTimeout')
  const lane = new Lane({ route: route('r', []), room: new Room(), mostRecipients: 1, window: () => 1 })
  lane.wakeAt(2 ** 40, 0, () => {})
  expect(set.mock.lastCall?.[1]).toBe(2 ** 31 - 1)
  lane.empty()
  set.mockRestore()
})

test('a message that waits for another smarthost waits for any of them again when that one fails, too', () => {
  const lane = new Lane({ route: route('r', []), room: new Room(), mostRecipients: 10, window: () => 10 })
  const pool = (name: string, rest: object) => ({
    pool: {
      name,
      places: 1,
      maxConnections: 1,
      inUse: 0,
      movedAt: 0,
      lingers: false,
      health: unproven,
      ...rest,
    } as Pool,
    priority: 0,
  })
  const ejected = { health: { ...unproven, ejectedUntil: 1000 } }
  const original = envelope(hello)
  const message = track(original, [...untried(original)])
  lane.lead([pool('a', ejected), pool('b', { inUse: 1 })])
  const tried = new Map([['a', 'failed' as const]])
  expect(lane.addAgain({ message, recipients: [0], tried }, 0)).toBe(true)
  lane.lead([pool('a', ejected), pool('b', ejected)])
  expect(lane.next(0)).toEqual({ down: true, until: 1000 })
  expect(lane.waiting).toBe(1)
  lane.lead([pool('a', {}), pool('b', { inUse: 1 })])
  expect(lane.next(1000)).toMatchObject({ parcel: { message, recipients: [0] }, pool: { name: 'a' } })
  expect(lane.waiting).toBe(0)
})
