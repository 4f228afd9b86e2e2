/** The state folder of local mode belongs to one process at a time, and no name leads out of it. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Name } from '../../../operator/compile/snapshot.ts'
import { keptText, replaceFile } from '../../../operator/local/files.ts'
import { lockState } from '../../../operator/local/lock.ts'
import { foldersIn, stateAt } from '../../../operator/local/state.ts'
import { temporaryFolder } from '../../local/temporary.ts'

test.each([
  '../x',
  'a/b',
  '..',
  '',
  '.',
  'A',
  'a\0b',
  '/etc',
])('the name %j, which Kubernetes does not allow, is refused and becomes no path', (name) => {
  const state = stateAt('/state')
  expect(() => state.secret('mail', name)).toThrow('no Kubernetes name')
  expect(() => state.secrets(name)).toThrow('no Kubernetes name')
  expect(() => state.fleet(`mail/${name}`)).toThrow('no Kubernetes name')
})

test('every fleet that has a folder is listed, and other folders are not', () => {
  const state = stateAt(temporaryFolder())
  mkdirSync(state.fleet('mail/shared').root, { recursive: true })
  mkdirSync(state.fleet('team-a/own').root, { recursive: true })
  mkdirSync(join(state.root, 'ca'), { recursive: true })
  mkdirSync(state.secret('team-b', 'web'), { recursive: true })
  expect(state.fleets()).toEqual(['mail/shared', 'team-a/own'])
})

test('a folder that can not be listed is an error that names it, and nothing is in one that is not there', () => {
  const state = stateAt(temporaryFolder())
  mkdirSync(join(state.root, 'mail'))
  const folder = join(state.root, 'mail', 'fleets')
  expect([state.fleets(), foldersIn(folder), state.recorded('mail')]).toEqual([[], [], []])
  writeFileSync(folder, '')
  expect(foldersIn(folder)).toEqual([])
  rmSync(folder)
  symlinkSync(folder, folder)
  symlinkSync('keys', join(state.root, 'mail', 'keys'))
  expect(() => state.fleets()).toThrow(`the folder ${folder} can not be read: ELOOP`)
  expect(() => state.recorded('mail')).toThrow('/keys can not be read: ELOOP')
})

test('a state folder that can not be used is refused with the reason, not as one in use', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  expect(() => lockState(join(folder, 'file', 'lock'))).toThrow(/can not be used \(.*\); mend that, or .*--state/)
  mkdirSync(join(folder, 'lock'))
  expect(() => lockState(join(folder, 'lock'))).toThrow(/can not be used \(EISDIR.*--state/)
})

test('a second lock on a state folder is refused until the first one is released', () => {
  const file = join(temporaryFolder(), 'state', 'lock')
  const lock = lockState(file)
  expect(() => lockState(file)).toThrow('another relayfleet already works with')
  lock.release()
  lockState(file).release()
})

test('the record of a credential is found again, however long the name of the credential is', () => {
  const state = stateAt(temporaryFolder())
  const names = [1, 240, 246, 247, 253].map((length): Name => `shop/${'c'.repeat(length)}`)
  for (const name of names) replaceFile(state.keysFile(name), name)
  expect(state.recorded('shop').toSorted()).toEqual(names)
  expect(names.map((name) => keptText(state.keysFile(name)))).toEqual(names)
  for (const name of names) rmSync(state.keysFile(name))
  expect(state.recorded('shop')).toEqual([])
})
