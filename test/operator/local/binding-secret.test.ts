/** A binding Secret of local mode has the keys of Service Binding as files, and keeps its password until that is lost. */
import { readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Binding } from '../../../operator/compile/compiled.ts'
import { readBindingKeys, readBindingSecret } from '../../../operator/local/binding-secret.ts'
import { type Keeping, keepKeys } from '../../../operator/local/credential-keys.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { verifierOf } from '../../../relay/config.ts'
import { temporaryFolder } from '../../local/temporary.ts'

const binding: Binding = {
  secretName: 'web',
  labels: {},
  annotations: {},
  username: 'team-a/web',
  host: '127.0.0.1',
  port: 2525,
  scheme: 'smtp',
  issuedByOperator: true,
  fleet: 'mail/shared',
  rotation: { overlapMs: 172_800_000, trigger: '' },
}
const keeping: Keeping = {
  made: undefined,
  isReached: false,
  heard: { uses: new Map(), upTo: undefined },
  authority: 'THE CA',
  now: Date.parse('2026-06-01T00:00:00Z'),
}
const made = (over: Partial<Binding> = {}) => {
  const state = stateAt(temporaryFolder())
  const folder = state.secret('team-a', 'web')
  /** Writes the Secret again, and tells whether its login is another one now. */
  const again = (its: Partial<Binding> = {}) => keepKeys(state, 'team-a/web', { ...binding, ...its }, keeping).isNew
  const changed = again(over)
  const read = (key: string): string => readFileSync(join(folder, key), 'utf8')
  return { folder, keysFile: state.keysFile('team-a/web'), changed, read, again }
}

test('each key of Service Binding is a file that only the owner may read', () => {
  const { folder, changed, read } = made()
  expect(changed).toBe(true)
  expect(readdirSync(folder).toSorted()).toEqual(
    ['certificates', 'host', 'password', 'port', 'provider', 'type', 'uri', 'username'].toSorted(),
  )
  expect([read('type'), read('host'), read('port'), read('username')]).toEqual([
    'smtp',
    '127.0.0.1',
    '2525',
    'team-a/web',
  ])
  expect(read('certificates')).toBe('THE CA')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
})

test('the password has 256 random bits, and a URL parser finds every part of the login in the uri', () => {
  const { read } = made()
  expect(Buffer.from(read('password'), 'base64url').length).toBe(32)
  const uri = new URL(read('uri'))
  expect([uri.protocol, uri.hostname, uri.port]).toEqual(['smtp:', '127.0.0.1', '2525'])
  expect(decodeURIComponent(uri.username)).toBe('team-a/web')
  expect(decodeURIComponent(uri.password)).toBe(read('password'))
  expect(made().read('password')).not.toBe(read('password'))
})

test('for a listener with implicit TLS and an IPv6 host the uri begins with smtps and has brackets', () => {
  const { read } = made({ scheme: 'smtps', host: '::1', port: 465 })
  expect(read('uri')).toMatch(/^smtps:\/\/team-a%2Fweb:[\w-]{43}@\[::1\]:465$/)
})

test('a binding to a listener with a certificate of its own has no key certificates', () => {
  const { folder, again } = made()
  again({ issuedByOperator: false })
  expect(readBindingSecret(folder)).not.toHaveProperty('certificates')
})

test('a change of the port keeps the password', () => {
  const { again, read } = made()
  const password = read('password')
  expect(again({ port: 2526 })).toBe(false)
  expect([read('password'), read('port')]).toEqual([password, '2526'])
  expect(read('uri')).toContain(':2526')
})

test('a missing key is written again with the same password, and a damaged password is replaced, which is told as a new login', () => {
  const { folder, read, again } = made()
  const password = read('password')
  rmSync(join(folder, 'uri'))
  expect(again()).toBe(false)
  expect(read('uri')).toContain(password)
  writeFileSync(join(folder, 'password'), '')
  expect(again()).toBe(true)
  expect(Buffer.from(read('password'), 'base64url').length).toBe(32)
})

test('what compile reads of the Secret has the username and the verifier, and not the password', () => {
  const { folder, read } = made()
  const keys = readBindingKeys(folder)
  expect(keys).toMatchObject({ username: 'team-a/web', keys: [{ verifier: verifierOf(read('password')) }] })
  expect(JSON.stringify(keys)).not.toContain(read('password'))
})

test('a Secret without a usable password gives compile no key', () => {
  const { folder } = made()
  writeFileSync(join(folder, 'password'), 'short')
  expect(readBindingKeys(folder)).toBeUndefined()
  expect(readBindingKeys(join(folder, 'absent'))).toBeUndefined()
})

test.each([
  ['password', ({ folder }: ReturnType<typeof made>) => join(folder, 'password')],
  ['record of its keys', ({ keysFile }: ReturnType<typeof made>) => keysFile],
])('a %s that exists and can not be read is an error, and is not replaced', (_what, pathOf) => {
  const its = made()
  const path = pathOf(its)
  const before = its.read('password')
  renameSync(path, `${path}.aside`)
  // A link to itself can not be read by anybody, not even by root.
  symlinkSync(path, path)
  expect(() => its.again()).toThrow(`${path} is there and can not be read (ELOOP)`)
  rmSync(path)
  renameSync(`${path}.aside`, path)
  expect(its.again()).toBe(false)
  expect(its.read('password')).toBe(before)
})
