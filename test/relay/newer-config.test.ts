/** A configuration of a newer version, as relays get one while an update goes on: nothing of it is in force but what it takes away (decision 0011). */
import 'reflect-metadata'
import { expect, test } from 'vitest'
import { printConfig, type RelayConfig, verifierOf } from '../../relay/config.ts'
import { ConfigFolder } from '../../relay/config-folder.ts'
import { type Loaded, loadConfig } from '../../relay/load.ts'
import { credential } from './policy.ts'
import { config, written } from './written-config.ts'

const entry = (name: string) =>
  credential({ name, username: name, keys: [{ id: 'k1', verifier: verifierOf('secret') }] })
const [gone, kept] = [entry('team/gone'), entry('team/kept')]
const both = { ...config, credentials: [gone, kept] }

const [listener] = config.listeners
const newer: readonly (readonly [string, object, string])[] = [
  ['has a field', { future: true }, 'config.future'],
  ['has a field of a credential', { credentials: [{ ...kept, future: { a: 1 } }] }, 'config.credentials[0].future'],
  [
    'has a field of a listener',
    { listeners: [{ ...listener, tls: { ...listener?.tls, future: [] } }] },
    'config.listeners[0].tls.future',
  ],
]

/** What `both` has become when the folder says `now`. */
async function after(now: object) {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig(both) })
  const ran = loadConfig(folder)
  write({ 'relay.json': printConfig(now as RelayConfig) })
  return { folder, write, ran }
}

test.each(
  newer,
)('a configuration that %s of a newer version is not in force, and a credential that it deletes is gone at once (case A22)', async (_name, change, field) => {
  const { folder, ran, write } = await after({ ...both, hostname: 'other.test', credentials: [kept], ...change })
  const reader = new ConfigFolder(folder)
  const waiting = await reader.follow(ran)
  expect(waiting.refused).toBe(`${field}: is not a field of this configuration`)
  expect(waiting.config).toEqual({ ...config, credentials: [kept] })
  expect(await reader.follow(waiting), 'at the next look').toBe(waiting)
  write({ 'relay.json': printConfig(both) })
  const back = await reader.follow(waiting)
  expect([back.config, back.refused]).toEqual([both, undefined])
})

test('a configuration of a newer version that takes nothing away leaves what runs as it is', async () => {
  const { folder, ran } = await after({ ...both, future: true })
  expect(loadConfig(folder, ran)).toEqual({ ...ran, refused: 'config.future: is not a field of this configuration' })
})

test('of a configuration of a newer version no key and no token is taken that was not taken before: what is not known of them may narrow them (case A22)', async () => {
  const [old, left, other] = ['old', 'left', 'other'].map((id) => ({ id, verifier: verifierOf(id) }))
  const ids = (entries: readonly ({ readonly id: string } | undefined)[] = []) => entries.map((e) => e?.id)
  const tokenKey = (id: string) => ({ id, algorithm: 'RS256', publicKey: id }) as const
  const tokens = { issuer: 'https://cluster.test', audience: 'smtp', keys: [tokenKey('old'), tokenKey('left')] }
  const app = { ...kept, keys: [old, left] } as typeof kept
  const account = { ...gone, serviceAccounts: ['team/app'], keys: [] }
  const before = { ...config, credentials: [app, account], tokens }
  const { folder, write } = await written()
  write({ 'relay.json': printConfig(before) })
  const ran = loadConfig(folder)
  const narrowed = { ...app, keys: [left, { ...other, future: 1 }] }
  const now = {
    ...before,
    credentials: [narrowed, account],
    tokens: { ...tokens, keys: [...tokens.keys, tokenKey('new')].slice(1) },
  }
  write({ 'relay.json': printConfig(now as RelayConfig) })
  const waiting = loadConfig(folder, ran)
  expect(ids(waiting.config.credentials[0]?.keys)).toEqual(['left'])
  expect(ids(waiting.config.tokens?.keys)).toEqual(['left'])
  write({ 'relay.json': printConfig({ ...now, tokens: { ...tokens, audience: 'elsewhere' } } as RelayConfig) })
  expect(loadConfig(folder, ran).config.tokens).toBeUndefined()
})

test.each<readonly [string, object, string]>([
  ['a value that this version does not know', { environment: 'Future' }, 'config.environment: is not one of'],
  ['no longer a field that this version needs', { hostname: undefined }, 'config.hostname: is not a string'],
])('a configuration with %s is refused whole', async (_name, change, why) => {
  const { folder, ran } = await after({ ...both, credentials: [], ...change })
  expect(() => loadConfig(folder, ran as Loaded)).toThrow(why)
})

test('a relay that has had no configuration does not start by one of a newer version', async () => {
  const { folder } = await after({ ...both, future: true })
  expect(() => loadConfig(folder)).toThrow('config.future: is not a field of this configuration')
})
