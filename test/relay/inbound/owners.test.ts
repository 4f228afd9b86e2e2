/** A session takes the turns of its address before its login, and of its credential after it (case R15; turns are in `turns.test.ts`). */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Headroom } from '../../../relay/headroom.ts'
import { Acquaintances } from '../../../relay/inbound/acquaintances.ts'
import { Conversation } from '../../../relay/inbound/conversation.ts'
import { type Owner, Turns } from '../../../relay/turns.ts'
import { banner, closers, logIn, reply, talk } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import { app, baseConfig, startSubmission } from './submission-under-test.ts'

class NotedTurns extends Turns {
  readonly owners: Owner[] = []

  /** Whose turn it is now. */
  now: Owner | undefined

  override take(owner: Owner, work: () => void, laterMs?: number): void {
    this.owners.push(owner)
    const timed = () => {
      this.now = owner
      work()
      this.now = undefined
    }
    super.take(owner, timed, laterMs)
  }

  readonly answered: Owner[] = []

  override turn(owner: Owner, costMs: number): Promise<void> | undefined {
    this.answered.push(owner)
    return super.turn(owner, costMs)
  }
}

async function stage(authFailures = baseConfig.authFailures) {
  const turns = new NotedTurns()
  const under = await startSubmission(new MemorySpool(), { ...baseConfig, authFailures }, undefined, undefined, turns)
  closers.push(() => under.submission.close(0))
  return { under, turns, owners: turns.owners, answered: turns.answered }
}

const own = '127.0.0.1'
const wrong = `AUTH PLAIN ${Buffer.from(`\0${app.username}\0wrong`).toString('base64')}`

test('a session has the turns of a stranger until its login, and of its credential from then on; the next one from its address is known', async () => {
  const { under, owners } = await stage()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  expect(new Set(owners.map(({ rank, name }) => `${rank} ${name}`))).toEqual(new Set([`stranger ${own}`]))
  await talk(socket, 'NOOP')
  expect(owners.at(-1)).toEqual({ rank: 'credential', name: `apps/${app.username}` })
  const [, second] = await banner(under, 'submissions')
  await talk(second, 'EHLO x')
  expect(owners.at(-1)).toEqual({ rank: 'known', name: own })
})

test('the 250 of a message that became ours waits for its turn, since one sync of the disk makes many messages ours (case R15)', async () => {
  const { under, answered } = await stage()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  expect(answered).toEqual([])
  expect(await talk(socket, 'From: <noreply@corp.example>\r\n\r\nhi\r\n.')).toEqual([
    expect.stringMatching(/^250 2\.0\.0 queued/),
  ])
  expect(answered).toEqual([{ rank: 'credential', name: `apps/${app.username}` }])
})

test('a message begins when there is headroom for it, and a client that has gone by then begins nothing (case R15)', async () => {
  const headroom = new Headroom()
  const asked: Owner[] = []
  const rooms: (() => void)[] = []
  let isGone = (): boolean => false
  headroom.enter = (owner, gone = isGone) => {
    asked.push(owner)
    isGone = gone
    return new Promise((resolve) => rooms.push(resolve))
  }
  const under = await startSubmission(new MemorySpool(), baseConfig, undefined, undefined, undefined, headroom)
  closers.push(() => under.submission.close(0))
  const raw = createConnection(under.port('submissions'), '127.0.0.1')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca }).on('error', () => {})
  closers.push(() => void socket.destroy())
  await reply(socket)
  // Headroom is for credentials: a stranger does not ask for it.
  expect(await talk(socket, 'EHLO x', 'MAIL FROM:<noreply@corp.example>')).toContainEqual(
    expect.stringMatching(/^530 /),
  )
  expect(asked).toEqual([])
  await logIn(socket)
  socket.write('MAIL FROM:<noreply@corp.example>\r\n')
  await expect.poll(() => asked).toEqual([{ rank: 'credential', name: `apps/${app.username}` }])
  const said = reply(socket)
  rooms.shift()?.()
  expect(await said).toMatch(/^250 2\.1\.0/)
  // A client that has gone when there is room gets no reply, and nothing is begun for it.
  socket.write('RSET\r\nMAIL FROM:<noreply@corp.example>\r\n')
  await expect.poll(() => rooms.length).toBe(1)
  expect(isGone()).toBe(false)
  raw.resetAndDestroy()
  await expect.poll(() => under.submission.sessions).toBe(0)
  expect(isGone()).toBe(true)
  rooms.shift()?.()
  expect(under.told.filter(({ msg }) => msg.includes('unexpected'))).toEqual([])
})

test('an address that is locked out is a stranger again', async () => {
  const { under, owners } = await stage({ max: 1, perMs: 60_000, lockoutMs: 60_000 })
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  const [, second] = await banner(under, 'submissions')
  await talk(second, 'EHLO x', wrong, 'NOOP')
  expect(owners.at(-1)).toEqual({ rank: 'stranger', name: own })
})

test('a handshake takes a turn when the client has begun it, and none before', async () => {
  const { under, owners } = await stage()
  const silent = createConnection(under.port('submissions'), own)
  closers.push(() => void silent.destroy())
  await once(silent, 'connect')
  const [, socket] = await banner(under)
  await talk(socket, 'EHLO x')
  expect(owners).toHaveLength(1)
  silent.write('\x16\x03\x01')
  // One to begin, and one for the octets.
  await expect.poll(() => owners.length).toBe(3)
})

test('the handshake of a stranger is carried out in its turns, so that it is charged what the keys that it chooses cost (case R15)', async () => {
  const { under, turns } = await stage()
  const { secured } = Conversation.prototype
  const during: (Owner | undefined)[] = []
  const spy = vi.spyOn(Conversation.prototype, 'secured').mockImplementation(function (this: Conversation, ...tls) {
    during.push(turns.now)
    secured.apply(this, tls)
  })
  onTestFinished(() => spy.mockRestore())
  await banner(under, 'submissions')
  expect(during).toEqual([{ rank: 'stranger', name: own }])
})

test('an address is known from a login on until it is locked out or suspected, and 10,000 addresses are known at most', () => {
  const acquaintances = new Acquaintances()
  acquaintances.loggedIn('192.0.2.3')
  acquaintances.suspect('192.0.2.3')
  acquaintances.loggedIn('192.0.2.3')
  expect(acquaintances.has('192.0.2.3')).toBe(false)
  acquaintances.loggedIn('192.0.2.1')
  acquaintances.loggedIn('192.0.2.2')
  acquaintances.lockedOut('192.0.2.2')
  expect([acquaintances.has('192.0.2.1'), acquaintances.has('192.0.2.2')]).toEqual([true, false])
  for (let n = 0; n < 10_000; n += 1) acquaintances.loggedIn(`2001:db8::${n}`)
  expect([acquaintances.has('192.0.2.1'), acquaintances.has('2001:db8::0')]).toEqual([false, true])
})
