/** What a relay holds while it works for a while; an hour of it is `RELAYFLEET_SOAK_MINUTES=60`, or `test/local/soak.ts` alone. */
import { describe, expect, test } from 'vitest'
import { installed } from './programs.ts'
import { printSoak, soak, soakPromises } from './soak.ts'

const minutes = Number(process.env['RELAYFLEET_SOAK_MINUTES'] ?? 3)

describe.runIf(installed('aiosmtpd'))('soak', () => {
  test(`${minutes} minutes of mail and nuisances leave nothing behind`, {
    timeout: (minutes + 4) * 60_000,
  }, async () => {
    const report = await soak({ minutes, rate: 40 })
    printSoak(report)
    expect(Object.entries(soakPromises(report)).filter(([, kept]) => !kept)).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(minutes * 60 * 20)
    expect(report.nuisances).toBeGreaterThan(minutes * 60)
  })
})
