/** Of a fleet whose policy is gone nothing secret stays, and its mail does; but not where that may be an error of the disk. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { configOnDisk } from '../../../operator/local/facts.ts'
import { localFleets } from '../../../operator/local/fleets.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { printConfig } from '../../../relay/config.ts'
import { loadConfig } from '../../local/relay-process.ts'
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
  for (const name of fleets.known()) fleets.remove(name, true)
  expect([key, copy, mail].map((file) => existsSync(file))).toEqual([false, false, true])
})

test('of a fleet whose configuration is there and can not be read nothing is removed', async () => {
  const state = stateAt(temporaryFolder())
  const { config, configFile } = state.fleet('mail/shared')
  const key = join(config, 'dkim-s1.pem')
  // Reading a folder fails as a disk does, for root, too.
  mkdirSync(configFile, { recursive: true })
  writeFileSync(key, 'x')
  expect(configOnDisk(state, 'mail/shared')).toBe('unreadable')
  const fleets = localFleets(state, () => undefined)
  onTestFinished(() => fleets.close())
  for (const name of fleets.known()) fleets.remove(name, true)
  expect([key, configFile].map((file) => existsSync(file))).toEqual([true, true])
})

test('of a fleet that compile did not know, as where its folder could not be listed, nothing is removed while its policy may be unread', async () => {
  const state = stateAt(temporaryFolder())
  const { config, configFile, stopped } = state.fleet('mail/shared')
  mkdirSync(config, { recursive: true })
  writeFileSync(configFile, printConfig(loadConfig({ listenPort: 2525, smarthostPort: 2526, maxConnections: 1 })))
  // So that no relay is started.
  writeFileSync(stopped, '')
  const fleets = localFleets(state, () => undefined)
  onTestFinished(() => fleets.close())
  fleets.remove('mail/shared', false)
  expect(existsSync(configFile)).toBe(true)
  fleets.remove('mail/shared', true)
  expect(existsSync(configFile)).toBe(false)
})
