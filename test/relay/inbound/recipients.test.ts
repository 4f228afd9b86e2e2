/** The forward-paths of a transaction: each mailbox once, and in little memory however many they are. */
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Held } from '../../../relay/inbound/held.ts'
import { readRcptParameters } from '../../../relay/inbound/parameters.ts'
import { readPathLine } from '../../../relay/inbound/path-line.ts'
import { Recipients } from '../../../relay/inbound/recipients.ts'
import { comparableForwardPath } from '../../../relay/mail/address.ts'
import { liveBytes } from '../live-memory.ts'
import { banner, start, talk } from './clients.ts'
import { app, baseConfig, other, type UnderTest } from './submission-under-test.ts'

/** A forward-path of the greatest length. */
const longPath = (n: number): string =>
  `${`${n}`.padStart(64, 'a')}@${'b'.repeat(61)}.${'c'.repeat(62)}.${'d'.repeat(62)}`

test('a mailbox that is named twice is kept as it was written first', () => {
  const recipients = new Recipients(new Held().of('a'))
  const add = (path: string): boolean => recipients.add(path, comparableForwardPath(path))
  expect(['x@b.example', 'x@B.example', '"x"@b.example', 'X@b.example'].map(add)).toEqual([true, false, false, true])
  expect(recipients.paths).toEqual(['x@b.example', 'X@b.example'])
  expect([recipients.size, recipients.has('x@b.example'), recipients.has('y@b.example')]).toEqual([2, true, false])
})

test('a thousand recipients take the memory of their paths, and not that of the lines they came in (case R15)', () => {
  const recipients = new Recipients(new Held().of('a'))
  const before = liveBytes()
  for (let n = 0; n < 1000; n++) {
    const read = readPathLine('RCPT', `RCPT TO:<someone.${n}@elsewhere.example>${' '.repeat(2000)}`)
    if (read.kind === 'path') recipients.add(read.path, comparableForwardPath(read.path))
  }
  expect(recipients.size).toBe(1000)
  expect(liveBytes() - before).toBeLessThan(500_000)
})

test('what is asked of reports on a thousand recipients takes the memory of its words, and counts as held (case R15)', () => {
  let held = 0
  const change = (from: number, to: number): void => {
    held += to - from
  }
  const recipients = new Recipients({ ...new Held().of('a'), change })
  const before = liveBytes()
  for (let n = 0; n < 1000; n++) {
    const asked = `NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;original.${n}@elsewhere.example`
    const read = readPathLine('RCPT', `RCPT TO:<someone.${n}@elsewhere.example>${' '.repeat(1900)}${asked}`)
    const parameters = read.kind === 'path' ? readRcptParameters(read.parameters) : read
    if (read.kind !== 'path' || parameters.kind !== 'parameters') throw new Error('a line of this form is taken')
    recipients.add(read.path, comparableForwardPath(read.path), parameters.parameters)
  }
  expect(Object.keys(recipients.wishes ?? {})).toHaveLength(1000)
  const taken = liveBytes() - before
  expect(taken).toBeLessThan(700_000)
  expect(held).toBeGreaterThan(taken / 2)
})

type Who = { readonly username: string; readonly password: string }

async function inTransaction(under: UnderTest, { username, password }: Who, domain: string): Promise<Socket> {
  const [, socket] = await banner(under, 'submissions')
  const login = Buffer.from(`\0${username}\0${password}`).toString('base64')
  await talk(socket, 'EHLO x', `AUTH PLAIN ${login}`, `MAIL FROM:<a@${domain}>`)
  return socket
}

/** Names so many recipients at once: the reply to each, as long as the session lasts. */
function name(socket: Socket, count: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const ended = (): void => resolve(said.split('\r\n').slice(0, -1))
    let said = ''
    const take = (chunk: Buffer): void => {
      said += chunk.toString()
      const replies = said.split('\r\n').slice(0, -1)
      if (replies.length < count) return
      socket.off('data', take).off('close', ended)
      resolve(replies)
    }
    socket.on('data', take).once('close', ended)
    socket.write(Array.from({ length: count }, (_, n) => `RCPT TO:<${longPath(n)}>\r\n`).join(''))
  })
}

const isTaken = (said: string): boolean => said.startsWith('250 2.1.5 ')

/** Sends headers without an end: of the 8 MiB that sessions may hold, room for 280 recipients is left. */
async function holdMuch(begin: () => Promise<Socket>): Promise<void> {
  const header = `X: ${'y'.repeat(99_997)}`
  for (let n = 0; n < 83; n++) {
    const socket = await begin()
    await talk(socket, 'RCPT TO:<a@elsewhere.example>', 'DATA')
    await new Promise((resolve) => socket.write(header, resolve))
  }
}

/** The ways in which a transaction is over. */
const ends: readonly ((socket: Socket) => unknown)[] = [
  (socket) => talk(socket, 'RSET'),
  (socket) => socket.destroy(),
  (socket) => talk(socket, 'DATA', 'From: <a@corp.example>\r\n\r\nhello\r\n.'),
  (socket) => talk(socket, 'DATA', 'From: <a@elsewhere.example>\r\n\r\nhello\r\n.'),
]

test('while a credential holds much memory, each of its transactions has fifty recipients at least, another credential has all of its own, and a transaction that is over no longer counts (case R15)', {
  timeout: 60_000,
}, async () => {
  const limits = { ...baseConfig.limits, recipientsPerMessage: 500, connectionsPerClient: 1000 }
  const { under } = await start(undefined, { ...baseConfig, limits })
  const mine = () => inTransaction(under, app, 'corp.example')
  await holdMuch(mine)
  const atFirst = under.submission.sessions
  for (const end of ends) {
    const socket = await mine()
    const replies = await name(socket, 350)
    expect(replies.filter(isTaken).length).toBeGreaterThan(200)
    expect(replies.filter(isTaken).length).toBeLessThan(300)
    expect(replies.at(-1)).toMatch(/^451 4\.3\.1 .*\(always\.memory\)/)
    const short = await mine()
    expect((await name(short, 50)).every(isTaken)).toBe(true)
    const fewer = await inTransaction(under, other, 'team-b.example')
    expect((await name(fewer, 350)).every(isTaken)).toBe(true)
    await end(socket)
    for (const over of [short, fewer]) over.destroy()
    await expect.poll(() => under.submission.sessions).toBeLessThanOrEqual(atFirst + ends.indexOf(end) + 1)
  }
})

test('of a thousand recipients of which many are too much for now, those that were taken get the message (RFC 5321 section 4.5.3.1.10, case R05)', {
  timeout: 60_000,
}, async () => {
  const limits = { ...baseConfig.limits, recipientsPerMessage: 1000, connectionsPerClient: 1000 }
  const { under, spool } = await start(undefined, { ...baseConfig, limits })
  const mine = () => inTransaction(under, app, 'corp.example')
  await holdMuch(mine)
  const socket = await mine()
  const replies = await name(socket, 1000)
  const taken = replies.filter(isTaken).length
  expect(taken).toBeLessThan(300)
  expect(new Set(replies.slice(taken))).toEqual(new Set([replies.at(-1)]))
  expect(replies.at(-1)).toMatch(/^451 4\.3\.1 .*\(always\.memory\)/)
  const [, said] = await talk(socket, 'DATA', 'From: <a@corp.example>\r\n\r\nhello\r\n.')
  expect(said).toMatch(/^250 /)
  expect(spool.kept.map(({ message: { envelope } }) => envelope.forwardPaths.length)).toEqual([taken])
})
