/** A relay that works for minutes loses nothing, and keeps nothing of what is over; `RELAYFLEET_SOAK_MINUTES=60`, or `test/local/soak.ts` alone, makes it an hour. */
import { describe, expect, test } from 'vitest'
import { installed } from './programs.ts'
import { printSoak, soak, soakPromises } from './soak.ts'

const minutes = Number(process.env['RELAYFLEET_SOAK_MINUTES'] ?? 3)

describe.runIf(installed('aiosmtpd'))('a relay', () => {
  test(`loses nothing in ${minutes} minutes of mail and misbehaving clients, keeps no session and no descriptor, and stays below 256 MiB`, {
    timeout: (minutes + 4) * 60_000,
  }, async () => {
    const report = await soak({ minutes, rate: 40 })
    printSoak(report)
    expect(Object.entries(soakPromises(report)).filter(([, kept]) => !kept)).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(minutes * 60 * 20)
    expect(report.nuisances).toBeGreaterThan(minutes * 60)
  })
})
