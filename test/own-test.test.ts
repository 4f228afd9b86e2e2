/** Of tests that run at the same time, each has what it opened until it ends itself, and no longer. */
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { until } from './local/until.ts'
import { onTestFinished } from './own-test.ts'

const tests = ['the first', 'one between', 'the last'] as const
const [begun, closed] = [new Set<string>(), new Set<string>()]

test.concurrent.each(tests)('%s keeps what it opened while others end', async (name) => {
  begun.add(name)
  await until('all have begun', () => begun.size === tests.length)
  onTestFinished(() => void closed.add(name))
  // They end one after the other, the last one first.
  const behind = tests.slice(tests.indexOf(name) + 1)
  await until('those behind have ended', () => behind.every((other) => closed.has(other)))
  for (let n = 0; n < 10; n += 1) await turn()
  expect(closed).toEqual(new Set(behind))
})

afterAll(() => expect(closed).toEqual(new Set(tests)))
