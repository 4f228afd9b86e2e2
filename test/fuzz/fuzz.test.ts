/** In a million executions from a public seed the relay's parsers agree with second ones; `RELAYFLEET_FUZZ` is another number of them. */
import { describe, expect, test } from 'vitest'
import { leastCpuMs } from '../cpu-time.ts'
import { diceOf } from './dice.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'

const executions = Number(process.env['RELAYFLEET_FUZZ'] ?? 1_000_000)
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_125)
const longestMs = 50

const timed = (run: () => boolean): { readonly accepted: boolean; readonly ms: number } => {
  const since = performance.now()
  const accepted = run()
  return { accepted, ms: performance.now() - since }
}

/** The least processor time of some runs: a parser is not slow for a pause of the machine. */
const slowest = (again: () => boolean): number => leastCpuMs(5, again)

function fuzz(target: Target, times: number) {
  const dice = diceOf(seed + target.share)
  let accepted = 0
  let longest = 0
  for (let n = 0; n < times; n += 1) {
    const input = target.make(dice)
    try {
      const one = timed(() => target.run(input, dice))
      if (one.accepted) accepted += 1
      longest = Math.max(longest, one.ms > longestMs ? slowest(() => target.run(input, dice)) : one.ms)
    } catch (error) {
      throw new Error(
        `seed ${seed}, ${target.name}, execution ${n}, ${JSON.stringify(input)}: ${(error as Error).message}`,
      )
    }
  }
  return { executions: times, accepted, longestMs: Math.round(longest * 10) / 10 }
}

describe(`${executions} executions, seed ${seed}`, () => {
  const done: Record<string, ReturnType<typeof fuzz>> = {}

  test.each(targets.map((target) => [target.name, target] as const))(
    '%s: the second parser agrees, and no input takes more than 50 ms',
    { timeout: 60_000 + executions / 2 },
    (_name, target) => {
      const report = fuzz(target, Math.ceil((executions * target.share) / 1000))
      done[target.name] = report
      expect(report.longestMs).toBeLessThanOrEqual(longestMs)
      // A parser that refuses everything would agree with every other one.
      expect(report.accepted).toBeGreaterThan(report.executions / 100)
    },
  )

  test('at least as many executions were made as were asked for', () => {
    console.table(done)
    const total = Object.values(done).reduce((sum, report) => sum + report.executions, 0)
    console.log(`${total} executions`)
    expect(total).toBeGreaterThanOrEqual(executions)
  })
})
