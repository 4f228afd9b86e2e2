/** A relay that is killed under load loses no acknowledged message (cases S01, S03, S04, S06, S08), nor does one that is asked to end (case S27). */
import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { killRun } from './kill.ts'
import { printReport, promises } from './kill-report.ts'
import { installed } from './programs.ts'

const kills = Number(process.env['RELAYFLEET_KILLS'] ?? 8)
const seed = Number(process.env['RELAYFLEET_SEED'] ?? randomInt(1_000_000))

describe.runIf(installed('aiosmtpd'))('a relay under load', () => {
  test(`${kills} kills, seed ${seed}: each acknowledged message arrives or is reported, and each duplicate was counted`, {
    timeout: 60_000 + kills * 3000,
  }, async () => {
    const report = await killRun({ kills, rate: 250, seed })
    printReport(report)
    expect(Object.entries(promises(report)).filter(([, kept]) => !kept)).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(kills * 10)
  })

  test(`${kills} ends by SIGTERM, seed ${seed}: no acknowledged message is lost, and none arrives twice (case S27)`, {
    timeout: 60_000 + kills * 5000,
  }, async () => {
    const report = await killRun({ kills, rate: 250, seed, signal: 'SIGTERM' })
    printReport(report)
    expect(Object.entries(promises(report)).filter(([, kept]) => !kept)).toEqual([])
    expect(report.duplicates + report.duplicateReports).toBe(0)
    expect(report.acknowledged).toBeGreaterThan(kills * 10)
  })
})
