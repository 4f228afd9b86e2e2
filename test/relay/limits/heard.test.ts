/** What a store has said of the fleet stays known, and is told. */
import { expect, test } from 'vitest'
import { Allowances } from '../../../relay/limits/allowances.ts'
import type { Answer } from '../../../relay/limits/quota-script.ts'
import { policy } from '../policy.ts'
import { limited, storeAt } from './counting-fleet.ts'

const hour = 3_600_000

/** A relay whose store answers this, each time on the day that the relay has told. */
function relay() {
  const clock = { ms: 10 * hour }
  const own = new Allowances({
    events: { quotaApproaching: () => undefined },
    index: 0,
    sharing: () => ({ relays: 2, store: storeAt(1) }),
    storeAnswers: () => true,
    wall: () => clock.ms,
    monotonic: () => clock.ms,
  })
  const hear = (of: Parameters<Allowances['hear']>[0], said: Partial<Answer>): void => {
    const told = own.standing(of.name)
    const none = { epoch: 'e', restOfDayMs: 14 * hour, own: told.own, total: told.own, owedMs: 0, verdicts: [] }
    own.hear(of, told, { ...none, day: told.day, ...said })
  }
  return { own, hear, clock }
}

test('that a rate is used up stays known where the store is then only told a count, and asked nothing of the rate', () => {
  const { own, hear, clock } = relay()
  const app = limited({ rate: { count: 2, perMs: hour } })
  hear(app, { own: 2, total: 2, owedMs: hour })
  hear({ name: app.name }, { own: 2, total: 2 })
  expect(own.peek(app, 1)?.reply.text).toContain('come back in 30 min ')
  clock.ms += hour / 2
  expect(own.peek(app, 1)).toBeUndefined()
})

test('a relay that has counted nothing of the day tells what the store knows of the others', () => {
  const { own, hear } = relay()
  const app = limited({ daily: 100 })
  hear(app, { own: 0, total: 40 })
  expect(own.usage(policy({ credentials: [app] })).credentials).toEqual([{ name: 'team/app', today: 0, fleet: 40 }])
})
