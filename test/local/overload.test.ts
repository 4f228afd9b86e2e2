/** While some clients want more than their share, a relay serves the others, in bounded memory; `test/local/overload.ts` alone does it at length. */
import { expect, test } from 'vitest'
import { overload, overloadPromises, printOverload } from './overload.ts'

test('beside slow clients, guesses at passwords and a flood, nobody within its share is refused, nothing is lost, and memory and descriptors stay bounded (case R15)', {
  timeout: 300_000,
}, async () => {
  const report = await overload({ seconds: 10, slowClients: 200, guessers: 8, floodSessions: 60 })
  printOverload(report)
  expect(Object.entries(overloadPromises(report)).filter(([, kept]) => !kept)).toEqual([])
  expect(report.slowAtTheEnd).toBeGreaterThan(100)
})
