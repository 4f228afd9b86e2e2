/** A credential with many messages leaves room for one with few (case R15); the clock and the load of the event loop are simulated. */
import { expect, test } from 'vitest'
import { aboutMs, busyShare, fewPerSecond, Headroom, leastPerSecond, quietMs } from '../../relay/headroom.ts'
import type { Owner } from '../../relay/turns.ts'

const flood: Owner = { rank: 'credential', name: 'mail/flood' }
const few: Owner = { rank: 'credential', name: 'shop/few' }

/** A relay whose loop is busy `costMs` with each message and, in each millisecond, for `strangers` and for work without a pace (`besides`). */
function stage({ costMs = 0.5, strangers = 0, besides = 0 } = {}) {
  let [now, busyMs, strangersMs] = [0, 0, 0]
  let tick: (() => void) | undefined
  const headroom = new Headroom({
    now: () => now,
    busyMs: () => busyMs,
    strangersMs: () => strangersMs,
    every: (again) => {
      tick = again
      return () => {
        tick = undefined
      }
    },
  })
  const begun = new Map<string, number>()
  const begin = (name: string): void => {
    begun.set(name, (begun.get(name) ?? 0) + 1)
    busyMs += costMs
  }
  /** How many of each owner wait. */
  const waiting = new Map<string, number>()
  const enter = (owner: Owner): boolean => {
    const room = headroom.enter(owner)
    if (room === undefined) {
      begin(owner.name)
      return true
    }
    waiting.set(owner.name, (waiting.get(owner.name) ?? 0) + 1)
    void room.then(() => {
      waiting.set(owner.name, (waiting.get(owner.name) ?? 0) - 1)
      begin(owner.name)
    })
    return false
  }
  /** Milliseconds pass, one after the other; each owner of `many` always has another message, on 50 sessions. */
  const pass = async (ms: number, many: readonly Owner[], each = (_at: number): void => {}): Promise<void> => {
    for (let n = 0; n < ms; n += 1) {
      now += 1
      busyMs += strangers + besides
      strangersMs += strangers
      each(n)
      for (const owner of many)
        for (let more = 8; more > 0 && (waiting.get(owner.name) ?? 0) < 50 && enter(owner); more -= 1);
      if (now % 2 === 0) tick?.()
      // The messages that were let in begin.
      await Promise.resolve()
      await Promise.resolve()
    }
  }
  return {
    headroom,
    enter,
    pass,
    begunIn: (name: string) => begun.get(name) ?? 0,
    busy: () => busyMs,
    ticks: () => tick !== undefined,
    tenTimesASecond: (at: number): void => {
      if (at % 100 === 0) expect(enter(few)).toBe(true)
    },
  }
}

test('a credential that is alone begins as many messages as it likes', async () => {
  const { pass, begunIn, ticks } = stage()
  await pass(1000, [flood])
  expect([begunIn('mail/flood'), ticks()]).toEqual([8000, false])
})

test('beside a credential with few messages, one with many leaves the loop time to spare, and the one with few never waits', async () => {
  const { pass, busy, begunIn, tenTimesASecond } = stage()
  await pass(1000, [flood], tenTimesASecond)
  const before = { ms: busy(), flood: begunIn('mail/flood') }
  await pass(4000, [flood], tenTimesASecond)
  expect((busy() - before.ms) / 4000).toBeGreaterThan(busyShare - 0.1)
  expect((busy() - before.ms) / 4000).toBeLessThan(busyShare + 0.1)
  expect(begunIn('mail/flood') - before.flood).toBeGreaterThan(4000)
})

test('while a message of a credential with few is dealt with, one with many begins none, and soon after it does', async () => {
  const { pass, enter, begunIn, tenTimesASecond } = stage()
  await pass(1000, [flood], tenTimesASecond)
  enter(few)
  const before = begunIn('mail/flood')
  await pass(quietMs - 1, [flood])
  expect(begunIn('mail/flood')).toBe(before)
  await pass(quietMs, [flood])
  expect(begunIn('mail/flood')).toBeGreaterThan(before)
})

test('however many have few messages, the one with many begins its own between them', async () => {
  const { pass, enter, begunIn } = stage({ costMs: 0.1 })
  const begins = (at: number): void => void enter({ ...few, name: `shop/${at % 100}` })
  await pass(1000, [flood], begins)
  const before = begunIn('mail/flood')
  await pass(1000, [flood], begins)
  expect(begunIn('mail/flood') - before).toBeGreaterThan(2000)
})

test('two credentials with many messages begin the same number', async () => {
  const { pass, begunIn, tenTimesASecond } = stage()
  await pass(5000, [flood, { ...flood, name: 'mail/other' }], tenTimesASecond)
  expect(begunIn('mail/flood') / begunIn('mail/other')).toBeCloseTo(1, 1)
})

test('the time that strangers take slows no credential down', async () => {
  const begunBeside = async (strangers: number): Promise<number> => {
    const { pass, begunIn, tenTimesASecond } = stage({ strangers })
    await pass(5000, [flood], tenTimesASecond)
    return begunIn('mail/flood')
  }
  const quiet = await begunBeside(0)
  expect((await begunBeside(0.08)) / quiet).toBeCloseTo(1, 1)
  // Where strangers take more than a tenth of the time, slowing a credential down would spare nothing: it has no pace.
  expect((await begunBeside(0.6)) / quiet).toBeGreaterThan(2)
})

test('however busy the loop is, a credential may begin the least number of messages a second', async () => {
  const { pass, begunIn, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  const before = begunIn('mail/flood')
  await pass(10_000, [flood], tenTimesASecond)
  const each = (begunIn('mail/flood') - before) / 10
  expect(each).toBeGreaterThan(leastPerSecond * 0.95)
  expect(each).toBeLessThan((leastPerSecond + fewPerSecond) * 1.05)
})

test('when no credential with few messages is about any more, all that waits begins, and no timer goes on', async () => {
  const { pass, begunIn, tenTimesASecond, enter, ticks } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  for (let n = 0; n < 30; n += 1) enter(flood)
  const before = begunIn('mail/flood')
  await pass(aboutMs + 10, [])
  expect(begunIn('mail/flood') - before).toBeGreaterThanOrEqual(30)
  await pass(2 * aboutMs, [])
  expect(ticks()).toBe(false)
})

test('two credentials with many messages that wait for each other are not taken for two with few', async () => {
  const { pass, begunIn, tenTimesASecond } = stage({ besides: 1 })
  const other: Owner = { ...flood, name: 'mail/other' }
  await pass(1000, [flood, other], tenTimesASecond)
  await pass(aboutMs + 10, [flood, other])
  const before = begunIn('mail/flood') + begunIn('mail/other')
  await pass(1000, [flood, other])
  expect(begunIn('mail/flood') + begunIn('mail/other') - before).toBe(16_000)
})

test('a credential that floods and stops for a moment is not held back by itself when it goes on', async () => {
  const { pass, begunIn } = stage()
  await pass(1000, [flood])
  await pass(500, [])
  const before = begunIn('mail/flood')
  await pass(1000, [flood])
  expect(begunIn('mail/flood') - before).toBe(8000)
})

test('the messages of all credentials that wait are counted', async () => {
  const { headroom, pass, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood, { ...flood, name: 'mail/other' }], tenTimesASecond)
  expect(headroom.waiting).toBe(100)
  await pass(2 * aboutMs, [])
  expect(headroom.waiting).toBe(0)
})

test('a message that comes when the next one may begin goes behind those that have waited', async () => {
  const { headroom, enter, pass, tenTimesASecond } = stage({ besides: 1 })
  await pass(2000, [flood], tenTimesASecond)
  const waited = headroom.waiting
  // At the least pace one message may begin every 5 ms, and the timer looks every 2 ms.
  for (let ms = 0; ms < 12; ms += 1) await pass(1, [], () => expect(enter(flood)).toBe(false))
  expect(headroom.waiting).toBeGreaterThan(waited)
})

test('who is gone takes no place of those who still wait, and is not kept', async () => {
  const { headroom, pass, begunIn, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  const [waited, begun] = [headroom.waiting, begunIn('mail/flood')]
  for (let n = 0; n < 10 * leastPerSecond; n += 1) void headroom.enter(flood, () => true)
  await pass(1000, [], tenTimesASecond)
  expect([headroom.waiting, begunIn('mail/flood') - begun]).toEqual([0, waited])
})

test('all messages that wait begin in the end, though their credential asks for nothing more', async () => {
  const { headroom, enter, pass, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  for (let n = 0; n < 10 * leastPerSecond; n += 1) enter(flood)
  await pass(12_000, [], tenTimesASecond)
  expect(headroom.waiting).toBe(0)
})

test('a credential that had the relay to itself has saved up nothing for when one with few messages comes', async () => {
  const { pass, busy, tenTimesASecond } = stage()
  await pass(10_000, [flood])
  const before = busy()
  await pass(1000, [flood], tenTimesASecond)
  expect((busy() - before) / 1000).toBeLessThan(busyShare + 0.3)
})
