/** Who has many messages leaves room for who has few (case R15): the clock and the load of the loop are ours here. */
import { expect, test } from 'vitest'
import { aboutMs, busyShare, fewPerSecond, Headroom, leastPerSecond } from '../../relay/headroom.ts'
import type { Owner } from '../../relay/turns.ts'

const flood: Owner = { rank: 'credential', name: 'mail/flood' }
const few: Owner = { rank: 'credential', name: 'shop/few' }

/** A relay whose loop is busy for `costMs` with each message, and for some of the time with strangers and with who is not paced. */
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
      if (now % 4 === 0) tick?.()
      // Whoever was let in begins.
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

test('who is alone begins as many as it likes', async () => {
  const { pass, begunIn, ticks } = stage()
  await pass(1000, [flood])
  expect([begunIn('mail/flood'), ticks()]).toEqual([8000, false])
})

test('beside somebody with few the loop has time to spare, and who has few never waits', async () => {
  const { pass, busy, begunIn, tenTimesASecond } = stage()
  await pass(1000, [flood], tenTimesASecond)
  const before = { ms: busy(), flood: begunIn('mail/flood') }
  await pass(4000, [flood], tenTimesASecond)
  expect((busy() - before.ms) / 4000).toBeGreaterThan(busyShare - 0.1)
  expect((busy() - before.ms) / 4000).toBeLessThan(busyShare + 0.1)
  expect(begunIn('mail/flood') - before.flood).toBeGreaterThan(4000)
})

test('two with many have the same', async () => {
  const { pass, begunIn, tenTimesASecond } = stage()
  await pass(5000, [flood, { ...flood, name: 'mail/other' }], tenTimesASecond)
  expect(begunIn('mail/flood') / begunIn('mail/other')).toBeCloseTo(1, 1)
})

test('what strangers ask for slows nobody down', async () => {
  const begunBeside = async (strangers: number): Promise<number> => {
    const { pass, begunIn, tenTimesASecond } = stage({ strangers })
    await pass(5000, [flood], tenTimesASecond)
    return begunIn('mail/flood')
  }
  const quiet = await begunBeside(0)
  expect((await begunBeside(0.08)) / quiet).toBeCloseTo(1, 1)
  // Where they are many there is nothing to spare, and no pace.
  expect((await begunBeside(0.6)) / quiet).toBeGreaterThan(2)
})

test('however busy the loop is, nobody has to begin fewer than the least', async () => {
  const { pass, begunIn, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  const before = begunIn('mail/flood')
  await pass(10_000, [flood], tenTimesASecond)
  const each = (begunIn('mail/flood') - before) / 10
  expect(each).toBeGreaterThan(leastPerSecond * 0.95)
  expect(each).toBeLessThan((leastPerSecond + fewPerSecond) * 1.05)
})

test('when nobody with few is about any more, all that waits begins, and nothing ticks', async () => {
  const { pass, begunIn, tenTimesASecond, enter, ticks } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  for (let n = 0; n < 30; n += 1) enter(flood)
  const before = begunIn('mail/flood')
  await pass(aboutMs + 10, [])
  expect(begunIn('mail/flood') - before).toBeGreaterThanOrEqual(30)
  await pass(2 * aboutMs, [])
  expect(ticks()).toBe(false)
})

test('two with many are not taken for two with few, however they wait for each other', async () => {
  const { pass, begunIn, tenTimesASecond } = stage({ besides: 1 })
  const other: Owner = { ...flood, name: 'mail/other' }
  await pass(1000, [flood, other], tenTimesASecond)
  await pass(aboutMs + 10, [flood, other])
  const before = begunIn('mail/flood') + begunIn('mail/other')
  await pass(1000, [flood, other])
  expect(begunIn('mail/flood') + begunIn('mail/other') - before).toBe(16_000)
})

test('a flood that stops for a moment has not become one with few to itself', async () => {
  const { pass, begunIn } = stage()
  await pass(1000, [flood])
  await pass(500, [])
  const before = begunIn('mail/flood')
  await pass(1000, [flood])
  expect(begunIn('mail/flood') - before).toBe(8000)
})

test('what waits is counted, of all owners', async () => {
  const { headroom, pass, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood, { ...flood, name: 'mail/other' }], tenTimesASecond)
  expect(headroom.waiting).toBe(100)
  await pass(2 * aboutMs, [])
  expect(headroom.waiting).toBe(0)
})

test('what comes when the next one may begin goes behind what has waited for that', async () => {
  const { headroom, enter, pass, tenTimesASecond } = stage({ besides: 1 })
  await pass(2000, [flood], tenTimesASecond)
  const waited = headroom.waiting
  // Of the least pace one may begin each 5 ms, and it is looked each 4.
  for (let ms = 0; ms < 12; ms += 1) await pass(1, [], () => expect(enter(flood)).toBe(false))
  expect(headroom.waiting).toBeGreaterThan(waited)
})

test('all that waits begins in the end, though nobody has asked for long', async () => {
  const { headroom, enter, pass, tenTimesASecond } = stage({ besides: 1 })
  await pass(1000, [flood], tenTimesASecond)
  for (let n = 0; n < 10 * leastPerSecond; n += 1) enter(flood)
  await pass(12_000, [], tenTimesASecond)
  expect(headroom.waiting).toBe(0)
})

test('who had the relay to itself has saved nothing of it for when somebody with few comes', async () => {
  const { pass, busy, tenTimesASecond } = stage()
  await pass(10_000, [flood])
  const before = busy()
  await pass(1000, [flood], tenTimesASecond)
  expect((busy() - before) / 1000).toBeLessThan(busyShare + 0.3)
})
