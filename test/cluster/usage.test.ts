/** The owner of a credential sees in its status what is used of its limits, and by an Event when the day is nearly used up. */
import { isDeepStrictEqual } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { openStage, type Reporting, type Stage } from './reporter-stage.ts'

const today = '2027-01-31'
const day = Date.parse(today) / 86_400_000
const refused = { rule: 'credential.limits.daily', code: 450, at: `${today}T10:00:00.000Z` }

describe.runIf(givenCluster() !== undefined)('usage', () => {
  let stage: Stage
  beforeAll(() => installCrds(apiOf(theCluster().access)))
  beforeEach(async () => {
    stage = await openStage()
    await Promise.all(stage.relays.map((r) => r.say(true)))
    for (const name of ['web', 'unlimited']) stage.give(name)
    await stage.declare.credential('web', { limits: { daily: 100 } })
    await stage.declare.credential('unlimited', {})
  })
  afterEach(() => stage.close())

  /** Makes the relays report so much use of the credential on that day. */
  function say(onDay: number, ...used: readonly (number | object)[]): void {
    for (const [i, relay] of stage.relays.entries()) {
      const its = used[i] ?? 0
      const told = typeof its === 'number' ? { today: its } : its
      relay.usage = { ...relay.usage, day: onDay, credentials: [{ name: `${stage.namespace}/web`, today: 0, ...told }] }
    }
  }
  const usage = async (name = 'web') => (await stage.statusOf('relaycredentials', name))?.['usage']
  const shows = (expected: object) =>
    until(`usage is ${JSON.stringify(expected)}`, async () => isDeepStrictEqual(await usage(), expected))
  const told = ({ occasions }: Reporting) =>
    occasions
      .filter(({ reason }) => reason.startsWith('Quota'))
      .map(({ reason, regarding }) => [reason, regarding.name])

  test('is the sum over the relays; a condition and an Event tell when the day is nearly used up, and when it is', async () => {
    say(day, 30, 21)
    const operator = await stage.operator({ usageMs: 50 })
    await shows({ day: today, today: 51, remaining: 49 })
    await stage.stands('relaycredentials', 'web', 'Ready True Ready')
    expect(told(operator)).toEqual([])
    say(day, 60, 25)
    await stage.stands('relaycredentials', 'web', 'QuotaApproaching True QuotaApproaching')
    await shows({ day: today, today: 85, remaining: 15 })
    say(day, 60, { today: 40, lastRefusal: refused })
    await stage.stands('relaycredentials', 'web', 'QuotaApproaching True QuotaUsedUp')
    await shows({ day: today, today: 100, lastRefusal: { ...refused, at: `${today}T10:00:00Z` }, remaining: 0 })
    // An Event comes once the status has been written, which is seen here as soon.
    await until('there are both Events', () => told(operator).length > 1)
    expect(told(operator)).toEqual([
      ['QuotaApproaching', 'web'],
      ['QuotaUsedUp', 'web'],
    ])
    await stage.stands('relaycredentials', 'web', 'Ready True Ready')
    expect(await usage('unlimited')).toBeUndefined()
    // A new day, on which nothing is used yet.
    say(day + 1, 0, 0)
    for (const relay of stage.relays) relay.usage = { ...relay.usage, day: day + 1, credentials: [] }
    await until('nothing is used', async () => (await usage()) === undefined)
    const conditions = (await stage.statusOf('relaycredentials', 'web'))?.conditions
    expect(conditions?.some(({ type }) => type === 'QuotaApproaching')).toBe(false)
  })

  test('is the count of the limit store where relays count in one', async () => {
    say(day, { today: 30, fleet: 79 }, { today: 20, fleet: 50 })
    const operator = await stage.operator({ usageMs: 50 })
    await shows({ day: today, today: 79, remaining: 21 })
    expect(told(operator)).toEqual([])
    say(day, { today: 30, fleet: 79 }, { today: 21, fleet: 80 })
    await stage.stands('relaycredentials', 'web', 'QuotaApproaching True QuotaApproaching')
    await until('there is an Event', () => told(operator).length > 0)
    expect(told(operator)).toEqual([['QuotaApproaching', 'web']])
  })

  test('stays as it is with an operator that was started again, and is not written, until relays tell of it', async () => {
    say(day, 60, 25)
    const first = await stage.operator({ usageMs: 50 })
    await stage.stands('relaycredentials', 'web', 'QuotaApproaching True QuotaApproaching')
    await stage.stands('relaycredentials', 'web', 'Ready True Ready')
    await first.stop()
    // The relays are of a version that does not tell.
    for (const relay of stage.relays) relay.usage = {} as typeof relay.usage
    const second = await stage.operator({ usageMs: 50 })
    await until('the second operator has looked a few times', () => second.looks() > 5)
    expect(second.writes().filter(({ path }) => path.includes('/web'))).toEqual([])
    expect(told(second)).toEqual([])
    expect(await usage()).toEqual({ day: today, today: 85, remaining: 15 })
  })

  test('is not written for a figure that grows within its two digits', async () => {
    say(day, 1, 0)
    const operator = await stage.operator({ usageMs: 20 })
    await shows({ day: today, today: 1, remaining: 99 })
    await stage.stands('relaycredentials', 'web', 'Ready True Ready')
    const writes = () => operator.writes().filter(({ path }) => path.includes('/web')).length
    const before = writes()
    say(day, 12_345, 0)
    await shows({ day: today, today: 12_000, remaining: 0 })
    expect(writes()).toBe(before + 1)
    say(day, 12_400, 99)
    const looks = operator.looks()
    await until('the operator has looked again', () => operator.looks() > looks + 5)
    expect(writes()).toBe(before + 1)
  })
})
