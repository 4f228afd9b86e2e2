/** For limits, all addresses of one /64 of IPv6 are one client, and each address of IPv4 is one, however it is written. */
import { expect, test } from 'vitest'
import { Acquaintances } from '../../../relay/inbound/acquaintances.ts'
import { logIn } from '../../../relay/inbound/auth.ts'
import { admit } from '../../../relay/inbound/connect.ts'
import { Conversation } from '../../../relay/inbound/conversation.ts'
import type { Inbound } from '../../../relay/inbound/inbound.ts'
import { Lockout } from '../../../relay/inbound/lockout.ts'
import { originOf } from '../../../relay/inbound/origin.ts'
import { Presence } from '../../../relay/inbound/presence.ts'
import { newSession } from '../../../relay/inbound/session.ts'
import { indexCredentials } from '../../../relay/rules/login.ts'
import { type Owner, Turns } from '../../../relay/turns.ts'
import { app, baseConfig, tellingEvents } from './submission-under-test.ts'

test.each([
  ['an IPv4 address', '192.0.2.7', '192.0.2.7'],
  ['IPv4 inside IPv6', '::ffff:192.0.2.7', '192.0.2.7'],
  ['IPv4 inside IPv6, in hexadecimal', '::ffff:c000:207', '192.0.2.7'],
  ['the network of an IPv6 address', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['the first address of a network', '2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['zeros in the network', '2001:db8::1', '2001:db8:0:0::/64'],
  ['zeros across its end', '2001:db8:1::5:6', '2001:db8:1:0::/64'],
  ['every group', '2001:DB8:0001:2:0:0:0:6', '2001:db8:1:2::/64'],
  ['a link, without its zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['a unique local network', 'fd00:1:2:3:4::5', 'fd00:1:2:3::/64'],
  ['this machine', '::1', '::1'],
  ['IPv4 behind a translator (RFC 6052)', '64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
  ['what is no address', '', ''],
])('limits count a client by its address, or by its /64: %s', (_name, client, origin) => {
  expect(originOf(client)).toBe(origin)
})

class NotedTurns extends Turns {
  readonly owners: Owner[] = []

  override take(owner: Owner): void {
    this.owners.push(owner)
  }
}

function stage(over: Partial<typeof baseConfig> = {}, maxSessions = 1_000) {
  const config = { ...baseConfig, networks: { allow: [], deny: [] }, ...over }
  const { events, told } = tellingEvents()
  const turns = new NotedTurns()
  const clocks = { wall: 0, monotonic: 0 }
  const parts = {
    clocks,
    events,
    turns,
    lockout: new Lockout(),
    presence: new Presence(),
    acquaintances: new Acquaintances(),
  }
  const inbound = {
    ...parts,
    keyUses: { note: () => undefined },
    maxSessions,
    now: () => clocks.wall,
    monotonic: () => clocks.monotonic,
    isShut: () => false,
    inForce: () => ({ config, index: indexCredentials(config), keyring: undefined }),
  } as unknown as Inbound
  const line = { hangUp: () => undefined, drain: () => undefined, cutOff: () => undefined, destroy: () => undefined }
  const converse = (client: string) =>
    new Conversation(inbound, { id: client, listener: 'submissions', client }, line, () => undefined)
  return { ...parts, inbound, told, owners: turns.owners, converse }
}

const host = (i: number): string => `2001:db8:1:2::${i.toString(16)}`
const neighbour = '2001:db8:1:3::1'

test('a /64 of IPv6 has the connections of one client, however many addresses it uses (case R04)', () => {
  const { converse, presence } = stage({ limits: { ...baseConfig.limits, connectionsPerClient: 5 } })
  const open = Array.from({ length: 5 }, (_, i) => converse(host(i)))
  expect(open.map((c) => c.connect())).toEqual([undefined, undefined, undefined, undefined, undefined])
  const more = converse(host(99))
  expect(more.connect()).toMatchObject({ code: 421 })
  expect(converse(neighbour).connect()).toBeUndefined()
  for (const one of [...open, more]) one.closed()
  expect(presence.all).toBe(1)
  expect(converse(host(5)).connect()).toBeUndefined()
})

test.each([
  ['a client may have', 5, 1_000],
  ['there is room for', 50, 5],
])('of a crowd that connects at once as many stay as %s, and only the others are sent away (case R04)', (_, connectionsPerClient, maxSessions) => {
  const { converse, presence } = stage({ limits: { ...baseConfig.limits, connectionsPerClient } }, maxSessions)
  const crowd = Array.from({ length: 8 }, (_, i) => converse(host(i)))
  expect(crowd.filter((one) => one.connect() === undefined)).toHaveLength(5)
  expect(presence.all).toBe(5)
  for (const one of crowd) one.closed()
  expect(presence.all).toBe(0)
})

const attempt = (password: string) => ({ mechanism: 'PLAIN', username: app.username, secret: password }) as const

test('guesses at a password from a /64 of IPv6 count as those of one client, and the log has each address (case A08)', () => {
  const { inbound, converse, told } = stage({ authFailures: { max: 3, perMs: 1_000, lockoutMs: 5_000 } })
  const session = (client: string) => ({ ...newSession({ id: '1', listener: 'submissions', client }), tls: 'TLSv1.3' })
  const locks = [0, 1, 2].map((i) => logIn(inbound, session(host(i)), attempt('wrong')))
  expect(locks).toMatchObject([{ locks: false }, { locks: false }, { locks: true }])
  expect(logIn(inbound, session(host(3)), attempt(app.password))).toMatchObject({ reason: 'lockedOut' })
  expect(admit(inbound, session(host(4)))).toMatchObject({ rule: 'admission.authFailures' })
  expect(admit(inbound, session(neighbour))).toBeUndefined()
  converse(host(5)).connect()
  expect(told.at(-1)).toMatchObject({ msg: 'refused', client: host(5) })
})

test.each([
  ['ahead', 315_360_000_000],
  ['back', -315_360_000_000],
])('a clock that is ten years %s for a moment makes no lockout longer or shorter (cases A08, S23)', (_name, setBy) => {
  const { inbound, clocks } = stage({ authFailures: { max: 2, perMs: 1_000, lockoutMs: 5_000 } })
  const client = host(1)
  const guess = (password: string) =>
    logIn(inbound, { ...newSession({ id: '1', listener: 'submissions', client }), tls: 'TLSv1.3' }, attempt(password))
  guess('wrong')
  clocks.wall = setBy
  expect(guess('wrong')).toMatchObject({ locks: true })
  expect(guess(app.password)).toMatchObject({ reason: 'lockedOut' })
  clocks.wall = 0
  clocks.monotonic = 4_999
  expect(guess(app.password)).toMatchObject({ reason: 'lockedOut' })
  clocks.monotonic = 5_000
  expect(guess(app.password)).toMatchObject({ kind: 'accepted' })
})

test('strangers of one network share their turns, and a login from that network makes it known', () => {
  const { converse, owners } = stage()
  const first = converse(host(1))
  first.secured('TLSv1.3')
  first.hello('EHLO x')
  first.inTurn(() => undefined)
  expect(owners.at(-1)).toEqual({ rank: 'stranger', name: '2001:db8:1:2::/64' })
  first.auth(`AUTH PLAIN ${Buffer.from(`\0${app.username}\0${app.password}`).toString('base64')}`)
  converse(host(2)).inTurn(() => undefined)
  expect(owners.at(-1)).toEqual({ rank: 'known', name: '2001:db8:1:2::/64' })
  converse(neighbour).inTurn(() => undefined)
  expect(owners.at(-1)).toEqual({ rank: 'stranger', name: '2001:db8:1:3::/64' })
})

test('whether a client may connect is judged by its own address, not by its /64', () => {
  const { converse } = stage({ networks: { allow: ['2001:db8:1:2::1/128'], deny: [] } })
  expect(converse(host(1)).connect()).toBeUndefined()
  expect(converse(host(2)).connect()).toMatchObject({ code: 554 })
})
