/** The authority of local mode is made once, kept, and never replaced while it may still be of use. */
import { copyFileSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { loadAuthority } from '../../../operator/local/authority.ts'
import { type State, stateAt } from '../../../operator/local/state.ts'
import { temporaryFolder } from '../../local/temporary.ts'

const now = Date.UTC(2026, 10, 24)

test('the authority is made once and kept, with a key that only the owner may read', async () => {
  const state = stateAt(temporaryFolder())
  const first = await loadAuthority(state, now)
  expect(statSync(state.caKey).mode & 0o777).toBe(0o600)
  expect(await loadAuthority(state, now)).toEqual(first)
})

test('a damaged authority is an error that names its files, and is not replaced', async () => {
  const state = stateAt(temporaryFolder())
  await loadAuthority(state, now)
  writeFileSync(state.caKey, 'garbage')
  await expect(loadAuthority(state, now)).rejects.toThrow(state.caKey)
  expect(readFileSync(state.caKey, 'utf8')).toBe('garbage')
})

test('a key without a certificate, as a first start that was killed leaves it, keeps nobody from starting', async () => {
  const state = stateAt(temporaryFolder())
  await loadAuthority(state, now)
  rmSync(state.caCertificate)
  const next = await loadAuthority(state, now)
  expect(await loadAuthority(state, now)).toEqual(next)
})

test.each<[string, (state: State) => string]>([
  ['a Secret', (state) => state.secret('mail', 'app')],
  ['a fleet', (state) => state.fleet('mail/shared').config],
])('a key without a certificate is an error where there is %s, whose clients trust that certificate', async (_name, madeIn) => {
  const state = stateAt(temporaryFolder())
  const { key } = await loadAuthority(state, now)
  rmSync(state.caCertificate)
  mkdirSync(madeIn(state), { recursive: true })
  await expect(loadAuthority(state, now)).rejects.toThrow(state.caCertificate)
  expect(readFileSync(state.caKey, 'utf8')).toBe(key)
})

test('a key without a certificate is an error where it can not be read whether there is a Secret', async () => {
  const state = stateAt(temporaryFolder())
  const { key } = await loadAuthority(state, now)
  rmSync(state.caCertificate)
  mkdirSync(dirname(state.secrets('mail')))
  symlinkSync('secrets', state.secrets('mail'))
  await expect(loadAuthority(state, now)).rejects.toThrow(state.caCertificate)
  expect(readFileSync(state.caKey, 'utf8')).toBe(key)
})

test('a certificate with the key of another authority is an error, since nobody could verify what it signs', async () => {
  const [state, other] = [stateAt(temporaryFolder()), stateAt(temporaryFolder())]
  await loadAuthority(state, now)
  await loadAuthority(other, now)
  copyFileSync(other.caKey, state.caKey)
  await expect(loadAuthority(state, now)).rejects.toThrow('the key is of another authority')
})

test('an authority that exists and can not be read is an error, and is not replaced', async () => {
  const state = stateAt(temporaryFolder())
  await loadAuthority(state, now)
  for (const path of [state.caKey, state.caCertificate]) {
    rmSync(path)
    symlinkSync(path, path)
  }
  await expect(loadAuthority(state, now)).rejects.toThrow(`${state.caCertificate} is there and can not be read (ELOOP)`)
  expect(lstatSync(state.caKey).isSymbolicLink()).toBe(true)
})

test('case S23: an authority that has ended, since it was made while the clock was far behind, is replaced', async () => {
  const state = stateAt(temporaryFolder())
  const ended = await loadAuthority(state, now - 11 * 365 * 24 * 3_600_000)
  const next = await loadAuthority(state, now)
  expect(next.certificate).not.toBe(ended.certificate)
  expect(readFileSync(state.caCertificate, 'utf8')).toBe(next.certificate)
  expect(await loadAuthority(state, now)).toEqual(next)
})
