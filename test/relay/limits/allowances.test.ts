/** A relay counts what it hands out of each limit: never more than the limit, a message whole or not at all, over restarts too. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { openQuotaFile } from '../../../relay/limits/quota-file.ts'
import { refusal } from '../../../relay/mail/rule.ts'
import type { Limited } from '../../../relay/rules/limits.ts'
import { credential, policy } from '../policy.ts'
import { limited } from './counting-fleet.ts'

const noon = Date.parse('2026-11-25T12:00:00Z')
const hour = 3_600_000
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relayfleet-allowances-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A relay process. It starts with the counts in the folder and with its wall clock at `wall`. */
function relay({ wall = noon, relays = 1, index = 0 }: { wall?: number; relays?: number; index?: number } = {}) {
  const clocks = { wall, monotonic: 0 }
  const sharing = { relays }
  const troubles: string[] = []
  const warned: unknown[][] = []
  const file = openQuotaFile(join(folder, 'quotas'), (why) => troubles.push(why), { wall: () => clocks.wall })
  const allowances = new Allowances({
    events: { quotaApproaching: (...told) => warned.push(told) },
    file,
    index,
    sharing: () => sharing,
    wall: () => clocks.wall,
    monotonic: () => clocks.monotonic,
  })
  return {
    allowances,
    troubles,
    warned,
    clocks,
    sharing,
    /** Time goes by on both clocks. */
    pass(ms: number): void {
      clocks.wall += ms
      clocks.monotonic += ms
    },
    written: () => file.written,
    /** Sends this many messages of one recipient each, and returns how many of them the relay takes. */
    taken(of: Limited, messages: number): number {
      return Array.from({ length: messages }, () => allowances.take(of, 1)).filter((r) => r === undefined).length
    },
    /** The messages are answered once the file has their count; the relay is killed right after that. */
    async takenBeforeItIsKilled(of: Limited, messages: number): Promise<number> {
      const taken = this.taken(of, messages)
      await file.written
      return taken
    },
  }
}

test('a daily limit is handed out once a day, and begins anew at midnight UTC, not before', () => {
  const { taken, pass, allowances } = relay()
  const app = limited({ daily: 10 })
  expect(taken(app, 25)).toBe(10)
  pass(11.9 * hour)
  expect(taken(app, 1)).toBe(0)
  expect(allowances.peek(app, 1)?.reply.text).toBe(
    'at most 10 recipients a day, none left; come back in 6 min, at 00:00 UTC (credential.limits.daily)',
  )
  pass(0.1 * hour)
  expect(taken(app, 25)).toBe(10)
})

test('a relay that is killed and started again hands out no more than the daily limit, and each kill wastes a hundredth at most', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3000 }),
      fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 8 }),
      async (daily, lives) => {
        rmSync(join(folder, 'quotas'), { force: true })
        const app = limited({ daily })
        let given = 0
        for (const messages of lives) given += await relay().takenBeforeItIsKilled(app, messages)
        expect(given).toBeLessThanOrEqual(daily)
        given += await relay().takenBeforeItIsKilled(app, daily)
        expect(given).toBeLessThanOrEqual(daily)
        expect(given).toBeGreaterThanOrEqual(daily - (lives.length + 1) * Math.floor(daily / 100))
      },
    ),
    { numRuns: 60, seed: 19 },
  )
})

test('a relay that was shut down in order goes on from its exact count when it starts again', async () => {
  const app = limited({ daily: 1000 })
  const first = relay()
  expect(first.taken(app, 123)).toBe(123)
  await first.allowances.close()
  const second = relay()
  expect(second.allowances.usage(policy({ credentials: [app] })).credentials).toMatchObject([{ today: 123 }])
  expect(second.taken(app, 2000)).toBe(877)
})

test('the file of counts is written at most a hundred times a day for a credential, however many messages it sends', async () => {
  const { taken, written } = relay()
  expect(taken(limited({ daily: 100_000 }), 50_000)).toBe(50_000)
  await written()
  expect(readFileSync(join(folder, 'quotas'), 'utf8').split('\n').length).toBeLessThanOrEqual(52)
})

test('for a credential without a daily limit nothing is written to the file of counts', async () => {
  await relay().takenBeforeItIsKilled(limited({ rate: { count: 100, perMs: 1000 } }), 100)
  expect(statSync(join(folder, 'quotas')).size).toBe(0)
})

test.each([
  ['the wall clock is set a day ahead', 24 * hour, 10],
  ['the wall clock is set a day back', -24 * hour, 10],
])('%s: what was used of the daily limit stays used', (_name, step, before) => {
  const one = relay()
  const app = limited({ daily: before })
  one.taken(app, before)
  one.clocks.wall += step
  expect(one.taken(app, 1)).toBe(0)
})

test('a relay that starts with its clock two days back does not hand out again a daily limit that is used up', async () => {
  const app = limited({ daily: 10 })
  await relay().takenBeforeItIsKilled(app, 10)
  expect(relay({ wall: noon - 48 * hour }).taken(app, 1)).toBe(0)
})

test('where a credential was counted while the clock was ten years ahead, the counts of the others still outlive each kill and each end (case A19)', async () => {
  const app = limited({ daily: 10 })
  await relay({ wall: noon + 10 * 365 * 24 * hour }).takenBeforeItIsKilled(limited({ daily: 10 }, 'team/idle'), 1)
  await relay().takenBeforeItIsKilled(app, 9)
  const second = relay()
  await second.written()
  expect(second.taken(app, 2)).toBe(1)
  await second.allowances.close()
  expect(relay().taken(app, 1)).toBe(0)
})

test('setting the wall clock ahead or back neither adds to a rate nor takes from it', () => {
  const one = relay()
  const app = limited({ rate: { count: 2, perMs: 2000 } })
  expect(one.taken(app, 5)).toBe(2)
  one.clocks.wall += 365 * 24 * hour
  expect(one.taken(app, 5)).toBe(0)
  one.clocks.wall -= 700 * 24 * hour
  one.pass(1000)
  expect(one.taken(app, 5)).toBe(1)
})

test.each([
  ['the rate is made faster', { count: 1, perMs: hour }, { count: 1, perMs: 1000 }],
  ['the rate is made slower', { count: 10, perMs: 1000 }, { count: 10, perMs: 10_000 }],
  ['the rate is given a smaller burst', { count: 1000, perMs: 1_000_000 }, { count: 1, perMs: 1000 }],
])('%s: what was taken under the former rate is earned back at the new one', (_name, before, rate) => {
  const one = relay()
  expect(one.taken(limited({ rate: before }), 1000)).toBe(before.count)
  const app = limited({ rate })
  expect(one.allowances.peek(app, 1)?.reply.text).toContain('come back in 1 s ')
  one.pass(1000)
  expect(one.allowances.peek(app, 1)).toBeUndefined()
  expect(one.taken(app, 2)).toBe(1)
})

test('a relay that was about to leave its fleet, and stays, has not earned back what it took of a rate before', () => {
  const one = relay({ relays: 2, index: 1 })
  const app = limited({ rate: { count: 2, perMs: hour } })
  expect(one.taken(app, 5)).toBe(1)
  one.sharing.relays = 1
  expect(one.taken(app, 5)).toBe(0)
  one.sharing.relays = 2
  expect(one.taken(app, 5)).toBe(0)
})

test('a message is counted with all its recipients or not at all', () => {
  const { allowances, taken } = relay()
  const app = limited({ daily: 10 })
  expect(allowances.take(app, 7)).toBeUndefined()
  expect(allowances.take(app, 4)?.rule).toBe('credential.limits.daily')
  expect(taken(app, 10)).toBe(3)
})

test('the recipients of a message that was not kept after all are given back to the daily limit', () => {
  const { allowances, taken } = relay()
  const app = limited({ daily: 10 })
  expect(allowances.take(app, 10)).toBeUndefined()
  allowances.giveBack(app, 4, allowances.dayOf(app))
  expect(taken(app, 10)).toBe(4)
})

test('a relay that is killed behind a message that was not kept has wasted a hundredth of the day at most, as any other (case A19)', async () => {
  const { allowances, written } = relay()
  const app = limited({ daily: 100 })
  expect(allowances.take(app, 50)).toBeUndefined()
  await written()
  allowances.giveBack(app, 50, allowances.dayOf(app))
  await written()
  expect(relay().taken(app, 200)).toBe(99)
})

test('what is given back of a limit that was lowered below it meanwhile leaves the rest counted, for the next start, too', async () => {
  const { allowances, written } = relay()
  expect(allowances.take(limited({ daily: 100 }), 50)).toBeUndefined()
  const lowered = limited({ daily: 10 })
  allowances.giveBack(lowered, 5, allowances.dayOf(lowered))
  await written()
  expect(relay().taken(limited({ daily: 100 }), 200)).toBe(55)
})

test('what a message that was not kept took of its rate is not given back, since a rate is earned back soon', () => {
  const { allowances, taken } = relay()
  const app = limited({ rate: { count: 2, perMs: 2000 } })
  expect(taken(app, 2)).toBe(2)
  allowances.giveBack(app, 2, allowances.dayOf(app))
  expect(taken(app, 1)).toBe(0)
})

test('what is given back to a throttle after midnight leaves its count at 0, not below', () => {
  const { allowances, pass } = relay()
  const throttle = limited({ rate: { count: 9, perMs: 1000 } }, 'throttle:each:team')
  expect(allowances.take(throttle, 5)).toBeUndefined()
  pass(24 * hour)
  expect(allowances.take(throttle, -5)).toBeUndefined()
  expect(allowances.standing(throttle.name).own).toBe(0)
})

test('without a store, the relays of a fleet hand out shares that add up to the limit', async () => {
  const app = limited({ daily: 10 })
  const given: number[] = []
  for (const index of [0, 1, 2]) {
    rmSync(join(folder, 'quotas'), { force: true })
    given.push(await relay({ relays: 3, index }).takenBeforeItIsKilled(app, 100))
  }
  expect(given).toEqual([4, 3, 3])
})

test('the warning that a daily limit is nearly used up is logged once a day, and once more where the limit is raised', () => {
  const { taken, pass, warned } = relay()
  const app = limited({ daily: 10, warnAt: 50 })
  taken(app, 4)
  expect(warned).toEqual([])
  taken(app, 10)
  expect(warned).toEqual([['team/app', 5, 10]])
  pass(24 * hour)
  taken(app, 10)
  expect(warned.length).toBe(2)
  taken(limited({ daily: 100, warnAt: 50 }), 60)
  expect(warned.slice(2)).toEqual([['team/app', 50, 100]])
})

test('the warning of a daily limit is logged again once the store has begun the next day', () => {
  const { allowances, warned } = relay()
  const app = limited({ daily: 10, warnAt: 50 })
  const { day } = allowances.standing(app.name)
  const answer = { epoch: 'e', restOfDayMs: 12 * hour, owedMs: 0, verdicts: [] }
  for (const [begun, total] of [
    [day, 6],
    [day, 7],
    [day + 1, 8],
  ] as const) {
    allowances.hear(app, allowances.standing(app.name), { ...answer, day: begun, own: 0, total })
  }
  expect(warned).toEqual([
    ['team/app', 6, 10],
    ['team/app', 8, 10],
  ])
})

test('what is given back while a question to the store is under way stays given back after the answer', () => {
  const { allowances } = relay()
  const app = limited({ daily: 10 })
  expect(allowances.take(app, 6)).toBeUndefined()
  const told = allowances.standing(app.name)
  allowances.giveBack(app, 2, told.day)
  const answer = { day: told.day, epoch: 'e', restOfDayMs: 12 * hour, own: 6, total: 9, owedMs: 0, verdicts: [] }
  allowances.hear(app, told, answer)
  expect(allowances.standing(app.name).own).toBe(4)
})

test('what was taken before midnight does not count for the new day of which the store answers after midnight', () => {
  const { allowances, pass } = relay()
  const app = limited({ daily: 10 })
  expect(allowances.take(app, 6)).toBeUndefined()
  const told = allowances.standing(app.name)
  pass(24 * hour)
  const { day } = allowances.standing(app.name)
  const answer = { day, epoch: 'e', restOfDayMs: 12 * hour, own: 0, total: 0, owedMs: 0, verdicts: [] }
  allowances.hear(app, told, answer)
  expect(allowances.standing(app.name)).toEqual({ day, own: 0, certain: true })
})

test('what is given back of a day while the store names the next one is not taken off that (case A19)', () => {
  const { allowances } = relay()
  const app = limited({ daily: 10 })
  expect(allowances.take(app, 6)).toBeUndefined()
  const told = allowances.standing(app.name)
  allowances.giveBack(app, 2, told.day)
  const day = told.day + 1
  allowances.hear(app, told, { day, epoch: 'e', restOfDayMs: 12 * hour, own: 1, total: 1, owedMs: 0, verdicts: [] })
  expect(allowances.standing(app.name)).toEqual({ day, own: 1, certain: true })
})

test('a store that has forgotten is told of the credentials that have used something of the day, and of no other', () => {
  const { allowances, taken } = relay()
  const [app, idle] = [limited({ daily: 2 }), limited({ daily: 2 }, 'team/idle')]
  taken(app, 1)
  taken(limited({ rate: { count: 9, perMs: 1000 } }, 'throttle:each:team'), 1)
  allowances.ratios(policy({ credentials: [app, idle] }))
  expect(allowances.inUse()).toEqual(['team/app'])
})

test('usage tells the last refusal of a credential, and leaves out credentials that have used nothing', () => {
  const { allowances, taken } = relay()
  const [app, idle, free] = [
    limited({ daily: 2 }),
    limited({ daily: 2 }, 'team/idle'),
    credential({ name: 'team/free' }),
  ]
  taken(app, 3)
  expect(allowances.usage(policy({ credentials: [app, idle, free] }))).toEqual({
    day: Math.floor(noon / 86_400_000),
    credentials: [
      {
        name: 'team/app',
        today: 2,
        lastRefusal: { rule: 'credential.limits.daily', code: 450, at: '2026-11-25T12:00:00.000Z' },
      },
    ],
  })
})

test('usage tells the refusal of one recipient too many for a message, until a later refusal takes its place', () => {
  const { allowances, pass } = relay()
  const app = limited({ rate: { count: 2, perMs: 1000 } })
  const last = () => allowances.usage(policy({ credentials: [app] })).credentials[0]?.lastRefusal
  expect(allowances.room(app, 1)).toBeUndefined()
  expect(last()).toBeUndefined()
  expect(allowances.room(app, 2)?.reply.code).toBe(452)
  expect(last()).toEqual({ rule: 'credential.limits.rate', code: 452, at: '2026-11-25T12:00:00.000Z' })
  pass(1000)
  expect(allowances.peek(app, 3)?.reply.code).toBe(450)
  expect(last()).toEqual({ rule: 'credential.limits.rate', code: 450, at: '2026-11-25T12:00:01.000Z' })
})

test('credentials that are no longer configured are forgotten when their day is over and their rate is earned back', () => {
  const { allowances, taken, pass } = relay()
  const stays = limited({ daily: 2 }, 'team/stays')
  const gone: Limited[] = []
  taken(stays, 3)
  for (let day = 0; day < 10; day++) {
    const passing = Array.from({ length: 100 }, (_, i) => limited({ daily: 9 }, `preview/${day}-${i}`))
    const throttled = passing.map((one) => limited({ rate: { count: 1, perMs: 1000 } }, `throttle:each:${one.name}`))
    for (const one of [...passing, ...throttled]) {
      taken(one, 1)
      allowances.note(one, refusal('credential.suspended'))
      gone.push(one)
    }
    expect(allowances.ratios(policy({ credentials: [stays, ...passing] }))).toHaveLength(100)
    pass(24 * hour)
    allowances.usage(policy({ credentials: [stays] }))
  }
  // Those of the last round, a day ago, are still remembered: each of them is told with its last refusal.
  expect(allowances.usage(policy({ credentials: [stays, ...gone] })).credentials).toHaveLength(1 + 200)
  expect(allowances.usage(policy({ credentials: [stays] })).credentials).toMatchObject([{ name: 'team/stays' }])
})

test('of ten thousand credentials only the hundred that used most of their day have a series in the metric', () => {
  const { allowances, taken } = relay()
  const many = Array.from({ length: 10_000 }, (_, i) => limited({ daily: 100 }, `team/app-${i}`))
  taken(many[7] as Limited, 40)
  taken(many[9000] as Limited, 100)
  const others = [
    limited({ rate: { count: 1, perMs: 1000 } }, 'team/rate-alone'),
    credential({ name: 'team/unlimited' }),
  ]
  const ratios = allowances.ratios(policy({ credentials: [...many, ...others] }))
  expect(ratios.length).toBe(100)
  expect(ratios.slice(0, 2)).toEqual([
    { credential: 'team/app-9000', ratio: 1 },
    { credential: 'team/app-7', ratio: 0.4 },
  ])
  expect(allowances.ratios(policy({ credentials: others }))).toEqual([])
})
