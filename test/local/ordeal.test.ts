/** A relay keeps its promises under all faults at once, for some seconds; `RELAYFLEET_LONG=1` makes it minutes. */
import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { smallVolumesGiven } from '../relay/spool/small-volume.ts'
import { type OrdealPlan, ordeal, printReport, promises } from './ordeal.ts'

const seconds = process.env['RELAYFLEET_LONG'] ? 180 : 12
const seed = Number(process.env['RELAYFLEET_SEED'] ?? randomInt(1_000_000))
const timeout = seconds * 1000 + 180_000

async function broken(plan: Partial<OrdealPlan>): Promise<readonly string[]> {
  const report = await ordeal({ seconds, seed, ...plan })
  printReport(report)
  expect(report.acknowledged).toBeGreaterThan(20)
  return Object.entries(promises(report)).flatMap(([promise, kept]) => (kept ? [] : [promise]))
}

describe(`a relay under all faults at the same time, seed ${seed}`, () => {
  test('each recipient of an acknowledged message gets it or is reported, and each duplicate was logged', {
    timeout,
  }, async () => {
    expect(await broken({})).toEqual([])
  })

  describe.runIf(smallVolumesGiven())('on a volume that is full now and then', () => {
    test('the same holds', { timeout }, async () => {
      expect(await broken({ megabytes: 48 })).toEqual([])
    })
  })
})
