/** Enough failed logins within a time lock a client out, older ones do not count, and the memory for clients is bounded. */
import { expect, test } from 'vitest'
import { Lockout } from '../../../relay/inbound/lockout.ts'
import { banner, start, talk } from './clients.ts'
import { baseConfig } from './submission-under-test.ts'

const limits = { max: 3, perMs: 1_000, lockoutMs: 5_000 }

test('the third failure within the time locks the client out, until the lockout ends', () => {
  const lockout = new Lockout()
  expect([0, 500, 999].map((at) => lockout.failed('192.0.2.1', limits, at))).toEqual([false, false, true])
  expect(lockout.locked('192.0.2.1', limits, 999)).toBe(true)
  expect(lockout.locked('192.0.2.1', limits, 5_998)).toBe(true)
  expect(lockout.locked('192.0.2.1', limits, 5_999)).toBe(false)
  expect(lockout.locked('192.0.2.2', limits, 999)).toBe(false)
})

test('a lockout that the policy makes shorter ends sooner, for a client that is locked out already, too', () => {
  const lockout = new Lockout()
  for (const at of [0, 1, 2]) lockout.failed('192.0.2.1', limits, at)
  expect([5_000, 1_000].map((lockoutMs) => lockout.locked('192.0.2.1', { ...limits, lockoutMs }, 2_000))).toEqual([
    true,
    false,
  ])
})

test('a lockout that has ended stays ended when the policy makes lockouts longer, and one that has not lasts longer (case A08)', () => {
  const lockout = new Lockout()
  const longer = { ...limits, lockoutMs: 60_000 }
  const failing = ['ended', 'locked', 'never locked'] as const
  for (const at of [0, 1, 2]) lockout.failed('ended', limits, at)
  for (const at of [3_000, 3_001, 3_002]) lockout.failed('locked', limits, at)
  for (const at of [5_001, 5_002]) lockout.failed('never locked', limits, at)
  lockout.forgetEnded(limits, 5_003)
  expect(failing.map((client) => lockout.locked(client, longer, 5_003))).toEqual([false, true, false])
  expect(lockout.locked('locked', longer, 63_001)).toBe(true)
  expect(lockout.failed('never locked', longer, 5_004)).toBe(true)
})

test('an edit that makes lockouts longer sends nobody away whose lockout has ended (case A08)', async () => {
  const by = (lockoutMs: number) => ({ ...baseConfig, authFailures: { max: 1, perMs: 60_000, lockoutMs } })
  const { under } = await start(undefined, by(1))
  const [, guesser] = await banner(under, 'submissions')
  const guess = `AUTH PLAIN ${Buffer.from('\0app\0wrong').toString('base64')}`
  expect(await talk(guesser, 'EHLO x', guess)).toContainEqual(expect.stringMatching(/^535 /))
  await expect.poll(async () => (await banner(under))[0]).toMatch(/^220 /)
  await under.apply(by(3_600_000))
  expect((await banner(under))[0]).toMatch(/^220 /)
  const [, again] = await banner(under, 'submissions')
  await talk(again, 'EHLO x', guess)
  expect((await banner(under))[0]).toMatch(/^421 /)
})

test('the time slides: failures that are too old do not count', () => {
  const lockout = new Lockout()
  expect([0, 600, 1_000, 1_599].map((at) => lockout.failed('192.0.2.1', limits, at))).toEqual([
    false,
    false,
    false,
    true,
  ])
})

test('after a lockout the count begins anew', () => {
  const lockout = new Lockout()
  for (const at of [0, 1, 2]) lockout.failed('192.0.2.1', limits, at)
  expect(lockout.failed('192.0.2.1', limits, 5_003)).toBe(false)
})

test('a limit of one locks out at once', () => {
  expect(new Lockout().failed('192.0.2.1', { ...limits, max: 1 }, 0)).toBe(true)
})

test('a flood of clients takes no more memory than 10,000 of them, and the one that was quiet longest is forgotten first', () => {
  const lockout = new Lockout()
  for (const client of ['first', 'second']) for (const at of [0, 1, 2]) lockout.failed(client, limits, at)
  for (let i = 0; i < 9_998; i++) lockout.failed(`198.51.100.${i}`, limits, 3)
  expect([lockout.locked('first', limits, 4), lockout.locked('second', limits, 4)]).toEqual([true, true])
  lockout.failed('one too many', limits, 4)
  expect([lockout.locked('first', limits, 4), lockout.locked('second', limits, 4)]).toEqual([false, true])
})
