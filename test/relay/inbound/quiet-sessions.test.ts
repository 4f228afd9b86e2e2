/** A session in which TLS records come that say nothing ends, whoever the client is, and so does one that reads no answer of TLS's own. */
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { HandshakeUnderWay } from '../../../relay/inbound/handshake-under-way.ts'
import { Handshakes } from '../../../relay/inbound/handshakes.ts'
import { mostTlsUnread } from '../../../relay/inbound/limits.ts'
import { QuietSessions } from '../../../relay/inbound/quiet-sessions.ts'
import { until } from '../../local/until.ts'
import { banner, logIn, start } from './clients.ts'
import { keyAsker } from './key-asker.ts'
import { implicitListener, testCertificates } from './submission-under-test.ts'

const noStranger = { isOfStranger: false, inTurn: (work: () => void) => work() }

/** A relay's side of TLS at a socket of Unix, for which the system holds only little. */
async function startTls() {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-keys-'))
  const path = join(folder, 'socket')
  const handshakes = new Handshakes(await testCertificates(), implicitListener)
  const told: string[] = []
  const tell = (what: string) => () => void told.push(what)
  const server = createServer({ allowHalfOpen: true }, (plain) => {
    new HandshakeUnderWay(plain, noStranger, () => handshakes.current, {
      raised: (session) => void session.on('error', tell('error')).on('close', tell('closed')),
      secured: (session) => void session.resume().write('220 hello\r\n'),
      silent: tell('silent'),
      crowdedOut: tell('crowdedOut'),
      failed: tell('failed'),
      closed: tell('closed'),
    })
  })
  await once(server.listen(path), 'listening')
  onTestFinished(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { path, told }
}

const most = 50_000
const atOnce = 1_000

test('a client that asks for new keys of TLS again and again, and reads none, is sent away also where it is no stranger, and says something (cases R03, T06)', async () => {
  const { path, told } = await startTls()
  const asker = await keyAsker({ path })
  for (let asked = 0; asked < most && told.length === 0; asked += atOnce) await asker.ask(atOnce, 'x'.repeat(500))
  expect(told).toContain('silent')
  await until('the session is over', () => told.includes('closed'))
})

test('a client that reads them, and says something, gets as many keys as it asks for, where it is no stranger (case T06)', async () => {
  const { path, told } = await startTls()
  const asker = await keyAsker({ path })
  asker.read()
  for (let asked = 0; asked < most && asker.octets() < 4 * mostTlsUnread; asked += atOnce)
    await asker.ask(atOnce, 'x'.repeat(500))
  expect(asker.octets()).toBeGreaterThan(mostTlsUnread)
  expect(told).toEqual([])
})

test('a client that takes new keys of TLS and says nothing is sent away also where somebody has logged in, and it is a stranger from then on, whoever logs in (cases R04, T06)', async () => {
  const { under } = await start()
  const to = { host: '127.0.0.1', port: under.port('submissions') }
  const isSentAway = (times: number) => () => under.told.filter(({ rule }) => rule === 'always.errors').length === times
  const logInHere = async (): Promise<void> => {
    const [, known] = await banner(under, 'submissions')
    await logIn(known)
    known.destroy()
  }
  await logInHere()
  const asker = await keyAsker(to)
  asker.read()
  for (let asked = 0; asked < most && !isSentAway(1)(); asked += atOnce) await asker.ask(atOnce)
  expect(isSentAway(1)()).toBe(true)
  await logInHere()
  const stranger = await keyAsker(to)
  stranger.read()
  await stranger.ask(200)
  await until('it is sent away', isSentAway(2))
  await until('nobody is there', () => under.submission.sessions === 0)
})

const kiB = 1024

test.each([
  ['data in records of one octet, by the cipher that adds most', 85 * kiB, kiB, 0, false],
  ['no more keys than somebody may take', 64 * kiB, 0, 0, false],
  ['keys alone', 65 * kiB, 0, 0, true],
  ['data, and reads no answer', 100 * kiB, 100 * kiB, 65 * kiB, true],
  ['data, and leaves replies unread', 100 * kiB, 100 * kiB, 64 * kiB, false],
])('of a client that sends %s in each second the session ends when it is quiet', (_what, came, said, unread, isQuiet) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const plain = { bytesRead: 10_000 }
  const session = Object.assign(new EventEmitter(), {
    bytesRead: 5,
    _handle: { writeQueueSize: unread },
    destroy: vi.fn(),
  })
  const quiet = vi.fn()
  new QuietSessions().watch(session as unknown as TLSSocket, plain, quiet)
  for (let second = 0; second < 3 && quiet.mock.calls.length === 0; second += 1) {
    plain.bytesRead += came
    session.bytesRead += said
    vi.advanceTimersByTime(1_000)
  }
  session.emit('close')
  expect([quiet.mock.calls.length, session.destroy.mock.calls.length]).toEqual(isQuiet ? [1, 1] : [0, 0])
  expect(vi.getTimerCount()).toBe(0)
})
