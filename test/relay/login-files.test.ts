/** A login by halves, or in another code than UTF-8, leaves the last good one in use, and is told (case U22). */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printConfig, type RelayConfig, secretIn } from '../../relay/config.ts'
import { loadConfig, toldStale } from '../../relay/load.ts'
import { config, written } from './written-config.ts'

const withLogin: RelayConfig = {
  ...config,
  routes: config.routes.map((route) => ({
    ...route,
    smarthosts: route.smarthosts.map((s) => ({
      ...s,
      auth: { usernameFile: 'ses/username', passwordFile: 'ses/password' },
    })),
  })),
}

const withStore: RelayConfig = {
  ...config,
  sharing: {
    relays: 2,
    store: {
      ...{ host: 'store.example', port: 6379, database: 0, timeoutMs: 100, tls: { mode: 'Implicit' } },
      auth: { usernameFile: 'store/username', passwordFile: 'store/password' },
    },
  },
}

test.each([
  ['ses/username', withLogin],
  ['ses/password', withLogin],
  ['store/username', withStore],
  ['store/password', withStore],
] as const)('where %s is empty, or not there any more, the last good login is in use, and that is told (case U22)', async (path, named) => {
  const { folder, write } = await written()
  const [username, password] = [path.replace(/[^/]*$/, 'username'), path.replace(/[^/]*$/, 'password')]
  const good = { [username]: 'relay', [password]: 'first\n' }
  write({ ...good, 'relay.json': printConfig(named) })
  const before = loadConfig(folder)
  // One that is half of a new login and half of the one before is none.
  write({ [username]: 'another', [password]: 'second', [path]: '\n' })
  const after = loadConfig(folder, before)
  expect(Object.fromEntries(after.files)).toMatchObject(good)
  expect(toldStale(after)).toEqual([`${path} (it is empty)`])
  // As where a Secret has lost a key, which the kubelet leaves out then.
  rmSync(join(folder, path))
  const without = loadConfig(folder, after)
  expect(Object.fromEntries(without.files)).toMatchObject(good)
  expect(toldStale(without)).toEqual([`${path} (it is not readable (ENOENT))`])
  write({ [username]: 'another', [password]: 'second' })
  expect(toldStale(loadConfig(folder, without))).toEqual([])
})

test.each([
  ['UTF-16, as PowerShell saves it', Buffer.from('\ufeffsecret\r\n', 'utf16le')],
  ['UTF-16 without a mark', Buffer.from('secret', 'utf16le')],
  ['Latin-1', Buffer.from('geheimniß', 'latin1')],
])('a password in %s is told as that, and the last good login is in use; one that never was good is no configuration (case U22)', async (_, octets) => {
  const { folder, write } = await written()
  const good = { 'ses/username': 'relay', 'ses/password': 'geheimniß' }
  write({ ...good, 'relay.json': printConfig(withLogin) })
  const before = loadConfig(folder)
  write({ 'ses/username': 'another' })
  writeFileSync(join(folder, 'ses/password'), octets)
  const after = loadConfig(folder, before)
  expect(Object.fromEntries(after.files)).toMatchObject(good)
  expect(toldStale(after)).toEqual(['ses/password (it is no text in UTF-8)'])
  expect(() => loadConfig(folder)).toThrow(/ses\/password is no text in UTF-8, and there is no earlier content of it$/)
})

test('a mark in front of a password, as some editors save UTF-8, is none of its characters (case U22)', async () => {
  const { folder, write } = await written()
  write({ 'ses/username': '\ufeffrelay', 'ses/password': '\ufeffsecret\r\n', 'relay.json': printConfig(withLogin) })
  const loaded = loadConfig(folder)
  expect([secretIn(loaded, 'ses/username'), secretIn(loaded, 'ses/password')]).toEqual(['relay', 'secret'])
})
