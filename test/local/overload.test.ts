/** What a relay holds, and whom it serves, while some want more than their share; the whole of it is `test/local/overload.ts` alone. */
import { expect, test } from 'vitest'
import { overload, overloadPromises, printOverload } from './overload.ts'

test('slow clients, guesses at passwords and a flood: nobody within its share is refused, nothing is lost, memory and descriptors stay (case R15)', {
  timeout: 300_000,
}, async () => {
  const report = await overload({ seconds: 10, slowClients: 200, guessers: 8, floodSessions: 60 })
  printOverload(report)
  expect(Object.entries(overloadPromises(report)).filter(([, kept]) => !kept)).toEqual([])
  expect(report.slowAtTheEnd).toBeGreaterThan(100)
})
