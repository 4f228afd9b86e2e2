/** What a status says of a credential's limits, by what the relays of its fleet report. */
import { expect, test } from 'vitest'
import { usageBefore, usageSaying, usedIn, usedToday } from '../../operator/usage.ts'

const day = Math.floor(Date.parse('2026-11-25T00:00:00Z') / 86_400_000)
const refusal = (at: string) => ({ rule: 'credential.limits.rate', code: 450, at })
const limits = { daily: 5000, warnAt: 80 }
const saying = (today: number, its: { daily?: number; warnAt: number } = limits) => usageSaying(its, { day, today })

test('relays are added up, with the last of their refusals', () => {
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

test('where relays count in a store, who asked it last knows most, also of relays that are gone', () => {
  const used = usedIn([
    { day, credentials: [{ name: 'team/app', today: 10, fleet: 60 }] },
    { day, credentials: [{ name: 'team/app', today: 20, fleet: 75 }] },
    { day: day - 1, credentials: [{ name: 'team/app', today: 20, fleet: 4000 }] },
  ])
  expect(used.get('team/app')).toEqual({ day, today: 75 })
})

test('without a word from the store for a while, what they have accepted themselves is the least', () => {
  const used = usedIn([
    { day, credentials: [{ name: 'team/app', today: 50, fleet: 60 }] },
    { day, credentials: [{ name: 'team/app', today: 40, fleet: 70 }] },
  ])
  expect(used.get('team/app')).toEqual({ day, today: 90 })
})

test('what a relay says of yesterday is nothing of today', () => {
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
])('%i used are said as %i, and %i remain', (today, said, remaining) => {
  expect(saying(today).fields).toEqual({ usage: { day: '2026-11-25', today: said, remaining } })
})

test('a day that is used up has nothing left, whatever its figure is', () => {
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
])('%i of 5000 with warnAt 80: %s', (today, reason) => {
  expect(saying(today).condition?.reason).toBe(reason)
})

test('a figure that grows is in no condition: it would be written again and again', () => {
  expect(saying(4000).condition).toEqual(saying(4900).condition)
})

test('without a daily limit there is nothing to approach, and nothing remains', () => {
  expect(saying(10, { warnAt: 1 })).toEqual({ fields: { usage: { day: '2026-11-25', today: 10 } } })
})

test('who has used nothing has no usage', () => {
  expect(usageSaying(limits, undefined)).toEqual({ fields: {} })
})

test('a refusal is told to the minute, and one of yesterday is over', () => {
  const told = (at: string) => usageSaying(limits, { day, today: 1, lastRefusal: refusal(at) }).fields['usage']
  expect(told('2026-11-25T08:07:59.123Z')).toMatchObject({ lastRefusal: refusal('2026-11-25T08:07:00Z') })
  expect(told('2026-11-24T23:59:59.000Z')).not.toHaveProperty('lastRefusal')
})

test('what stands is said again while nobody knows better', () => {
  const { fields, condition } = saying(4100)
  const other = { type: 'Ready', status: 'True', reason: 'Ready', message: '' } as const
  const stands = { ...fields, conditions: [other, condition ?? other] }
  expect(usageBefore(stands)).toEqual({ fields, condition })
  expect(usageBefore({ conditions: [other] })).toEqual({ fields: {} })
})

test('a status of yesterday says nothing of today', () => {
  const status = saying(123).fields
  expect(usedToday(status, Date.parse('2026-11-25T23:59:59Z'))).toBe(120)
  expect(usedToday(status, Date.parse('2026-11-26T00:00:00Z'))).toBeUndefined()
  expect(usedToday({}, 0)).toBeUndefined()
})
