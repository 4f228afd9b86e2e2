/** A message passes all throttles and limits that count it, or none counts it; and no throttle ever lets more pass than it says. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RelayConfig, ThrottleConfig } from '../../../relay/config.ts'
import { count, peek, roomFor } from '../../../relay/inbound/counts.ts'
import type { Inbound, InForce } from '../../../relay/inbound/inbound.ts'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { FleetAllowances } from '../../../relay/limits/fleet-allowances.ts'
import { dayMs } from '../../../relay/rules/utc-day.ts'
import { credential, policy } from '../policy.ts'

const throttle = (over: Partial<ThrottleConfig> = {}): ThrottleConfig => ({
  name: 'per-app',
  scope: ['Credential'],
  rate: { count: 1, perMs: 1000 },
  burst: 10,
  action: 'Reject',
  ...over,
})
const perTeam = (over: Partial<ThrottleConfig> = {}) => throttle({ name: 'per-team', scope: ['Namespace'], ...over })

const web = credential({ name: 'team/web' })
const shop = credential({ name: 'team/shop' })
const elsewhere = credential({ name: 'teams/web' })

/** A relay with these throttles, and with a clock that the test moves. */
function relay(throttles: readonly ThrottleConfig[], sharing: RelayConfig['sharing'] = { relays: 1 }) {
  const clock = { ms: 0 }
  let config = policy({ throttles, sharing })
  const own = new Allowances({
    events: { quotaApproaching: () => undefined },
    index: 0,
    sharing: () => config.sharing,
    wall: () => clock.ms,
    monotonic: () => clock.ms,
  })
  const events = { limitStore: () => undefined, limitsJudged: () => undefined }
  const allowances = new FleetAllowances({ own, relay: 'one', events })
  const inbound = { allowances, inForce: () => ({ config }) as InForce }
  return {
    clock,
    change: (next: readonly ThrottleConfig[]) => {
      config = policy({ throttles: next, sharing })
    },
    peek: (of: typeof web, recipients = 1) => peek(inbound, of, recipients),
    room: (of: typeof web, accepted: number) => roomFor(inbound, of, accepted),
    count: (of: typeof web, recipients: number, senderDomain = 'corp.t') =>
      count(inbound, of, { senderDomain }, recipients),
  }
}

test('a throttle per credential counts each credential by itself, and one per namespace all credentials of that namespace and no other', async () => {
  const one = relay([perTeam()])
  expect((await one.count(web, 6)).refusal).toBeUndefined()
  expect((await one.count(shop, 5)).refusal?.throttle).toBe('per-team')
  expect((await one.count(elsewhere, 10)).refusal).toBeUndefined()
  one.change([throttle()])
  expect((await one.count(web, 10)).refusal).toBeUndefined()
  expect((await one.count(shop, 10)).refusal).toBeUndefined()
  expect((await one.count(shop, 1)).refusal).toMatchObject({ rule: 'throttles', throttle: 'per-app' })
})

test('a throttle per sender domain counts by the domain of From, whoever sends, and refuses no MAIL, where From is not known yet', async () => {
  const one = relay([throttle({ name: 'per-domain', scope: ['SenderDomain'], burst: 3 })])
  expect((await one.count(web, 2, 'a.t')).refusal).toBeUndefined()
  expect((await one.count(elsewhere, 2, 'a.t')).refusal?.throttle).toBe('per-domain')
  expect((await one.count(web, 3, 'b.t')).refusal).toBeUndefined()
  expect(one.peek(web, 3)).toBeUndefined()
  expect(one.room(web, 3)?.reply.code).toBe(452)
})

test('a throttle with two scopes counts each combination by itself', async () => {
  const one = relay([throttle({ name: 'both', scope: ['Namespace', 'SenderDomain'], burst: 3 })])
  expect((await one.count(web, 3, 'a.t')).refusal).toBeUndefined()
  expect((await one.count(shop, 1, 'a.t')).refusal?.throttle).toBe('both')
  expect((await one.count(shop, 3, 'b.t')).refusal).toBeUndefined()
  expect((await one.count(elsewhere, 3, 'a.t')).refusal).toBeUndefined()
  expect(one.peek(web)).toBeUndefined()
})

test('a message that a later throttle or a limit of its credential refuses is not counted by the throttles before it', async () => {
  const one = relay([throttle(), perTeam({ burst: 4 })])
  await one.count(shop, 3)
  expect((await one.count(web, 2)).refusal?.throttle).toBe('per-team')
  const limited = { ...web, limits: { daily: 1, warnAt: 80 } }
  one.change([throttle()])
  expect((await one.count(limited, 2)).refusal?.rule).toBe('credential.limits.daily')
  expect((await one.count(web, 10)).refusal).toBeUndefined()
  expect((await one.count(web, 1)).refusal?.throttle).toBe('per-app')
})

test('a message that could not be stored gives back what it was counted for, and no more', async () => {
  const one = relay([throttle(), perTeam({ name: 'watched', burst: 2, action: 'Audit' })])
  await one.count(web, 1)
  const { giveBack, audited } = await one.count(web, 9)
  expect(audited).toHaveLength(1)
  giveBack()
  expect((await one.count(web, 10)).refusal).toBeDefined()
  expect((await one.count(web, 9)).refusal).toBeUndefined()
})

test('what a message was counted for that could not be stored is not taken off the next day, where midnight came meanwhile (case A19)', async () => {
  const one = relay([])
  const limited = { ...web, limits: { daily: 10, warnAt: 80 } }
  one.clock.ms = dayMs - 1
  const { refusal, giveBack } = await one.count(limited, 6)
  expect(refusal).toBeUndefined()
  one.clock.ms = dayMs
  expect((await one.count(limited, 10)).refusal).toBeUndefined()
  giveBack()
  expect((await one.count(limited, 1)).refusal?.rule).toBe('credential.limits.daily')
})

test('a throttle in Audit tells which messages it would refuse, once their content is there, and refuses nothing', async () => {
  const one = relay([throttle({ burst: 2, action: 'Audit' })])
  expect(await one.count(web, 2)).toMatchObject({ audited: [] })
  expect(one.peek(web)).toBeUndefined()
  expect(one.room(web, 50)).toBeUndefined()
  const over = await one.count(web, 1)
  expect(over.refusal).toBeUndefined()
  expect(over.audited.map((a) => [a.rule, a.throttle])).toEqual([['throttles', 'per-app']])
  one.clock.ms += 1000
  expect((await one.count(web, 1)).audited).toEqual([])
})

test('each of two relays hands out its half of a throttle', async () => {
  const one = relay([throttle({ burst: 10 })], { relays: 2 })
  expect((await one.count(web, 6)).refusal?.reply.text).toContain('send at most 5 at once')
  expect((await one.count(web, 5)).refusal).toBeUndefined()
  one.clock.ms += 1999
  expect(one.peek(web)).toBeDefined()
  one.clock.ms += 1
  expect(one.peek(web)).toBeUndefined()
})

test('in whatever order messages are kept, given back and waited for, in no span of time do more pass than burst and rate allow', async () => {
  const step = fc.record({
    of: fc.constantFrom(web, shop),
    recipients: fc.integer({ min: 1, max: 8 }),
    kept: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 3000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const one = relay([throttle({ burst: 6 }), perTeam({ burst: 9 })])
      const passed: { at: number; of: typeof web; recipients: number }[] = []
      const most = (burst: number, its: (of: typeof web) => boolean): boolean =>
        passed.every(({ at: from }) => {
          const since = passed.filter(({ at, of }) => at >= from && its(of))
          return since.reduce((sum, p) => sum + p.recipients, 0) <= burst + (one.clock.ms - from) / 1000 + 1e-6
        })
      for (const { of, recipients, kept, waitMs } of steps) {
        one.clock.ms += waitMs
        const said = one.peek(of, recipients)
        const { refusal, giveBack } = await one.count(of, recipients)
        expect(refusal).toEqual(said)
        if (refusal !== undefined) continue
        if (kept) passed.push({ at: one.clock.ms, of, recipients })
        else giveBack()
        expect(most(9, () => true)).toBe(true)
        expect([web, shop].every((app) => most(6, (it) => it === app))).toBe(true)
      }
    }),
    { numRuns: 300, seed: 47 },
  )
})

test('a message is not ours before the file of quotas knows that it was counted (case A19)', async () => {
  const { promise: written, resolve } = Promise.withResolvers<void>()
  const inForce = () => ({ config: policy({ throttles: [throttle()] }) }) as InForce
  const allowances: Inbound['allowances'] = {
    peek: () => undefined,
    room: () => undefined,
    take: () => undefined,
    dayOf: () => 0,
    giveBack: () => undefined,
    written,
  }
  let isCounted = false
  const counting = Promise.resolve(count({ allowances, inForce }, web, { senderDomain: 'corp.t' }, 1)).then(() => {
    isCounted = true
  })
  await new Promise(setImmediate)
  expect(isCounted).toBe(false)
  resolve()
  await counting
})
