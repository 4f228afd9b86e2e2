/** Of a fleet whose policy is gone nothing secret stays, and its mail does. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { localFleets } from '../../../operator/local/fleets.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { temporaryFolder } from '../../local/temporary.ts'

test('what a killed process has left of a fleet that it removed goes at the next start, and the spool stays', () => {
  const state = stateAt(temporaryFolder())
  const { root, config, spool } = state.fleet('mail/gone')
  const [key, copy, mail] = [join(config, 'dkim-s1.pem'), join(root, 'last-good.json'), join(spool, 'journal')]
  for (const file of [key, copy, mail]) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, 'x')
  }
  const fleets = localFleets(state, () => undefined)
  for (const name of fleets.known()) fleets.remove(name)
  expect([key, copy, mail].map((file) => existsSync(file))).toEqual([false, false, true])
})
