/** While a new configuration names a file that is missing, the one in force goes on, less what the new one takes away (decision 0011). */
import 'reflect-metadata'
import { expect, test } from 'vitest'
import { printConfig, type RelayConfig, verifierOf } from '../../relay/config.ts'
import { ConfigFolder } from '../../relay/config-folder.ts'
import { loadConfig } from '../../relay/load.ts'
import { judgeConnect } from '../../relay/rules/connect.ts'
import { makeCertificates } from '../certificates.ts'
import { ed25519Key, signingWith } from './delivery/signing-keys.ts'
import { storeAt } from './limits/counting-fleet.ts'
import { credential } from './policy.ts'
import { config, written } from './written-config.ts'

test('while a new configuration lacks a file, the one in force goes on and follows changes of its own files (cases T11, A22)', async () => {
  const { folder, write, cert, key } = await written()
  const reader = new ConfigFolder(folder)
  const before = reader.load()
  const lacking = config.listeners.map((l) => ({ ...l, name: 'new', tls: { ...l.tls, keyFile: 'new.key' } }))
  const wanted = { ...config, listeners: [...config.listeners, ...lacking] }
  write({ 'relay.json': printConfig(wanted) })
  const refused = expect.stringMatching(/new\.key is not readable \(ENOENT\), and there is no earlier content of it$/)
  const waiting = await reader.follow(before)
  expect(waiting).toEqual({ ...before, refused })

  const newer = await makeCertificates(['localhost'])
  const ca = `${newer.ca.trim()}\n`
  const files = { 'tls.crt': newer.cert, 'tls.key': newer.key, 'ca/ca.crt': ca, 'ca/clients.crt': ca }
  write(files)
  const after = await reader.follow(waiting)
  expect(after).toEqual({ ...before, files: new Map(Object.entries(files)), refused })
  write({ 'tls.crt': cert })
  const stale = await reader.follow(after)
  expect([stale.files.get('tls.crt'), [...stale.stale.keys()]]).toEqual([newer.cert, ['tls.crt']])
  write({ 'tls.key': key, 'new.key': key })
  const whole = await reader.follow(stale)
  expect(whole).toMatchObject({ config: wanted, stale: new Map() })
  expect(whole.refused).toBeUndefined()
})

/** The configuration with which a relay that ran `before` goes on, while `now` names a key whose file is missing. */
async function waitingFor(before: Partial<RelayConfig>, now: Partial<RelayConfig>) {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig({ ...config, ...before }) })
  const ran = loadConfig(folder)
  const listeners = config.listeners.map((l) => ({ ...l, tls: { ...l.tls, keyFile: 'new.key' } }))
  write({ 'relay.json': printConfig({ ...config, listeners, ...now }) })
  return { folder, waiting: loadConfig(folder, ran) }
}

const clients = ['192.0.2.1', '192.0.2.129', '198.51.100.1', '2001:db8::1'] as const
const [inside, beside, outside, six] = clients

test.each([
  ['is denied', { allow: [], deny: [] }, { allow: [], deny: ['192.0.2.0/25'] }, [beside, outside, six]],
  ['is allowed no more', { allow: ['192.0.2.0/24'], deny: [] }, { allow: ['192.0.2.0/25'], deny: [] }, [inside]],
  ['is allowed where all were', { allow: [], deny: [] }, { allow: ['192.0.2.0/25'], deny: [] }, [inside]],
  [
    'is allowed instead of another one',
    { allow: ['192.0.2.0/25'], deny: [] },
    { allow: ['198.51.100.0/24'], deny: [] },
    [],
  ],
  [
    'of IPv4 is allowed instead of one of IPv6',
    { allow: ['2001:db8::/32'], deny: [] },
    { allow: [inside], deny: [] },
    [],
  ],
  ['is denied no more', { allow: [], deny: ['192.0.2.0/25'] }, { allow: [], deny: [] }, [beside, outside, six]],
])('while a configuration lacks a file by which a network %s, a client comes in whom both the old and the new one let in (case A22)', async (_name, networks, newer, admitted) => {
  const { folder, waiting } = await waitingFor({ networks }, { networks: newer })
  const isAdmitted = (client: string): boolean => judgeConnect(waiting.config, client) === undefined
  expect(clients.filter(isAdmitted)).toEqual(admitted)
  expect(loadConfig(folder, waiting).hash).toBe(waiting.hash)
})

type Recipients = RelayConfig['recipients']

const [everybody, nobody] = [
  { mode: 'Unrestricted', domains: [], addresses: [] },
  { mode: 'Capture', domains: [], addresses: [] },
] as const
const some = { mode: 'AllowList', domains: ['a.test', 'b.test'], addresses: ['x@c.test', 'y@d.test'] } as const
const others = {
  mode: 'AllowList',
  domains: ['b.test', 'c.test'],
  addresses: ['Y@d.test', 'z@a.test', 'z@e.test'],
} as const
const inBoth = {
  mode: 'AllowList',
  domains: ['b.test'],
  addresses: ['x@c.test', 'y@d.test', 'Y@d.test', 'z@a.test'],
} as const

const to = (redirectTo: string): Recipients => ({ mode: 'Redirect', domains: [], addresses: [], redirectTo })

test.each<readonly [string, Recipients, Recipients, Recipients]>([
  ['some recipients instead of everybody', everybody, some, some],
  ['nobody any more', some, nobody, nobody],
  ['other recipients, some of whom are the same', some, others, inBoth],
  ['the same recipients', some, some, some],
  ['everybody instead of some recipients', some, everybody, some],
  ['some recipients instead of nobody', nobody, some, nobody],
  ['one address instead of everybody', everybody, to('x@c.test'), to('x@c.test')],
  ['one address instead of several, of which it is one', some, to('x@c.test'), to('x@c.test')],
  ['one address instead of several, of which it is none', some, to('z@e.test'), nobody],
  ['the one address that it went to', to('x@c.test'), to('X@c.test'), to('x@c.test')],
  ['another one address', to('x@c.test'), to('z@e.test'), nobody],
  ['several recipients, of whom the one address that it went to is one', to('x@c.test'), some, to('x@c.test')],
  ['several recipients, of whom the one address that it went to is none', to('z@e.test'), some, nobody],
])('while a configuration lacks a file by which mail goes to %s, mail goes where both the old and the new one let it go (case A22)', async (_name, recipients, newer, left) => {
  const { waiting } = await waitingFor({ recipients }, { recipients: newer })
  expect(waiting.config.recipients).toEqual(left)
})

test.each([
  ['more', 2, 4, 4],
  ['fewer', 4, 2, 4],
])('while a configuration lacks a file by which %s relays share the limits, none of them hands out more than its share (cases A19, A22)', async (_name, relays, newer, counted) => {
  const { waiting } = await waitingFor({ sharing: { relays } }, { sharing: { relays: newer } })
  expect(waiting.config.sharing).toEqual({ relays: counted })
})

test('while a configuration lacks a file, a credential that it deletes is gone, and limits that it adds are shared by as many relays as it says (cases A19, A22)', async () => {
  const keys = [{ id: 'k1', verifier: verifierOf('secret') }]
  const entry = (name: string) => credential({ name, username: name, keys })
  const [gone, free, app] = [entry('team/gone'), entry('team/free'), entry('team/app')]
  const limited = { ...app, limits: { daily: 10, warnAt: 80 } }
  const now = { credentials: [free, limited], sharing: { relays: 4 } }
  const { waiting } = await waitingFor({ credentials: [gone, free, app] }, now)
  expect(waiting.config).toMatchObject(now)
  expect(waiting.refused).toBeDefined()
})

test('while a configuration without a store lacks a file, limits are counted in the store of the one in force', async () => {
  const sharing = { relays: 2, store: storeAt(1) }
  const { waiting } = await waitingFor({ sharing }, { sharing: { relays: 4 } })
  expect(waiting.config.sharing).toEqual({ ...sharing, relays: 4 })
})

test.each([
  ['suspended', false, true],
  ['no longer suspended', true, false],
])('a fleet that is %s by a configuration that lacks a file takes no mail (case A22)', async (_name, suspended, newer) => {
  const { waiting } = await waitingFor({ suspended }, { suspended: newer })
  expect(waiting.config.suspended).toBe(true)
})

test('while a configuration lacks a file, queued mail of a domain that no credential may send as any more is signed, if it signs for that domain, too', async () => {
  const signing = [signingWith('corp.test', [ed25519Key('e1')])]
  const signed = { credentials: [], signing }
  expect((await waitingFor(signed, signed)).waiting.config.signing).toEqual(signing)
  expect((await waitingFor(signed, { credentials: [] })).waiting.config.signing).toBeUndefined()
  const moved = signing.map((one) => ({ ...one, domain: 'other.test' }))
  expect((await waitingFor(signed, { ...signed, signing: moved })).waiting.config.signing).toBeUndefined()
})
