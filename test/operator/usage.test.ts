/** The status tells what remains of a credential's limits, from what the relays of its fleet report. */
import { expect, test } from 'vitest'
import { usageBefore, usageSaying, usedIn, usedToday } from '../../operator/usage.ts'

const day = Math.floor(Date.parse('2026-11-25T00:00:00Z') / 86_400_000)
const refusal = (at: string) => ({ rule: 'credential.limits.rate', code: 450, at })
const limits = { daily: 5000, warnAt: 80 }
const saying = (today: number, its: { daily?: number; warnAt: number } = limits) => usageSaying(its, { day, today })

test('what the relays have accepted is added up, and the latest refusal is kept', () => {
  const early = refusal('2026-11-25T08:00:00.000Z')
  const late = refusal('2026-11-25T09:00:00.000Z')
  const used = usedIn([
    { day, credentials: [{ name: 'team/app', today: 10, lastRefusal: late }] },
    {
      day,
      credentials: [
        { name: 'team/app', today: 5, lastRefusal: early },
        { name: 'team/other', today: 1 },
      ],
    },
  ])
  expect([...used]).toEqual([
    ['team/app', { day, today: 15, lastRefusal: late }],
    ['team/other', { day, today: 1 }],
  ])
})

test('where the relays count in a store, the highest count of today that one of them got from it is taken', () => {
  const used = usedIn([
    { day, credentials: [{ name: 'team/app', today: 10, fleet: 60 }] },
    { day, credentials: [{ name: 'team/app', today: 20, fleet: 75 }] },
    { day: day - 1, credentials: [{ name: 'team/app', today: 20, fleet: 4000 }] },
  ])
  expect(used.get('team/app')).toEqual({ day, today: 75 })
})

test('where the store has not answered for a while, the sum of what the relays accepted is taken, if that is more', () => {
  const used = usedIn([
    { day, credentials: [{ name: 'team/app', today: 50, fleet: 60 }] },
    { day, credentials: [{ name: 'team/app', today: 40, fleet: 70 }] },
  ])
  expect(used.get('team/app')).toEqual({ day, today: 90 })
})

test('a count of yesterday does not count for today', () => {
  const used = usedIn([
    { day: day - 1, credentials: [{ name: 'team/app', today: 4000 }] },
    { day, credentials: [{ name: 'team/app', today: 3 }] },
  ])
  expect(used.get('team/app')).toEqual({ day, today: 3 })
})

test.each([
  [7, 7, 4993],
  [99, 99, 4901],
  [123, 120, 4880],
  [4999, 4900, 100],
  [5000, 5000, 0],
  [5200, 5200, 0],
])('%i used recipients are reported as %i, with %i remaining', (today, said, remaining) => {
  expect(saying(today).fields).toEqual({ usage: { day: '2026-11-25', today: said, remaining } })
})

test('a daily limit that is used up has nothing remaining, though the reported count is rounded down', () => {
  const usedUp = (today: number) => saying(today, { daily: 1050, warnAt: 80 })
  for (const today of [1050, 1099]) {
    expect(usedUp(today).condition?.reason).toBe('QuotaUsedUp')
    expect(usedUp(today).fields).toEqual({ usage: { day: '2026-11-25', today: 1050, remaining: 0 } })
  }
  expect(usedUp(1049).fields).toEqual({ usage: { day: '2026-11-25', today: 1000, remaining: 50 } })
})

test.each([
  [3999, undefined],
  [4000, 'QuotaApproaching'],
  [4999, 'QuotaApproaching'],
  [5000, 'QuotaUsedUp'],
])('%i of 5000 recipients with warnAt 80 give the condition %s', (today, reason) => {
  expect(saying(today).condition?.reason).toBe(reason)
})

test('the condition has no growing count, for which it would be written again and again', () => {
  expect(saying(4000).condition).toEqual(saying(4900).condition)
})

test('without a daily limit there is no condition and no remainder', () => {
  expect(saying(10, { warnAt: 1 })).toEqual({ fields: { usage: { day: '2026-11-25', today: 10 } } })
})

test('a credential that was not used has no usage in its status', () => {
  expect(usageSaying(limits, undefined)).toEqual({ fields: {} })
})

test('the last refusal is told to the minute, and one of yesterday is left out', () => {
  const told = (at: string) => usageSaying(limits, { day, today: 1, lastRefusal: refusal(at) }).fields['usage']
  expect(told('2026-11-25T08:07:59.123Z')).toMatchObject({ lastRefusal: refusal('2026-11-25T08:07:00Z') })
  expect(told('2026-11-24T23:59:59.000Z')).not.toHaveProperty('lastRefusal')
})

test('while no relay reports, the usage in the status stays', () => {
  const { fields, condition } = saying(4100)
  const other = { type: 'Ready', status: 'True', reason: 'Ready', message: '' } as const
  const stands = { ...fields, conditions: [other, condition ?? other] }
  expect(usageBefore(stands)).toEqual({ fields, condition })
  expect(usageBefore({ conditions: [other] })).toEqual({ fields: {} })
})

test('the usage in a status of yesterday does not count for today', () => {
  const status = saying(123).fields
  expect(usedToday(status, Date.parse('2026-11-25T23:59:59Z'))).toBe(120)
  expect(usedToday(status, Date.parse('2026-11-26T00:00:00Z'))).toBeUndefined()
  expect(usedToday({}, 0)).toBeUndefined()
})
