/** The metric of what is used of a day names credentials that are near their limit, whatever becomes of the relay itself. */
import { expect, test } from 'vitest'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { policy } from '../policy.ts'
import { limited } from './counting-fleet.ts'

test.each([
  ['one that has a part of a limit', 2, { daily: 10 }, [{ credential: 'team/app', ratio: 0.2 }]],
  ['one that is too many for a part of a limit', 2, { daily: 1 }, [{ credential: 'team/app', ratio: 1 }]],
  ['one that is about to leave', 1, { daily: 10 }, []],
])('of the second relay of a fleet, %s', (_which, relays, limits, told) => {
  const allowances = new Allowances({
    events: { quotaApproaching: () => undefined },
    index: 1,
    sharing: () => ({ relays }),
  })
  const app = limited(limits)
  allowances.take(app, 1)
  expect(allowances.ratios(policy({ credentials: [app] }))).toEqual(told)
})
