/** An act that is asked for again and again runs once at a time, and once more after the last time that it was asked for. */
import { expect, test } from 'vitest'
import { OneAtATime } from '../../relay/one-at-a-time.ts'

test('an act that is asked for a thousand times while it runs runs once more, when that run is over (case R19)', async () => {
  const begun: (() => void)[] = []
  const act = () => new Promise<void>((resolve) => begun.push(resolve))
  const before = Promise.withResolvers<void>()
  const acts = new OneAtATime(act, before.promise)
  for (let i = 0; i < 1000; i++) acts.ask()
  expect(begun).toHaveLength(0)
  before.resolve()
  await expect.poll(() => begun.length).toBe(1)
  for (let i = 0; i < 1000; i++) acts.ask()
  begun[0]?.()
  await expect.poll(() => begun.length).toBe(2)
  begun[1]?.()
  await acts.done
  expect(begun).toHaveLength(2)
  acts.ask()
  await expect.poll(() => begun.length).toBe(3)
})
