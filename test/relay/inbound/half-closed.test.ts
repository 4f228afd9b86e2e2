/** A client that ends its side of the connection, and still listens, is answered what it had sent, and its session ends then (case P38). */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { afterEach, expect, test, vi } from 'vitest'
import { HandshakeUnderWay } from '../../../relay/inbound/handshake-under-way.ts'
import { until } from '../../local/until.ts'
import { banner, closers, logIn, reply, start, talk, whole } from './clients.ts'
import { app, certificateConfig, type UnderTest } from './submission-under-test.ts'

/** So long a client may say nothing: longer than any test waits for the end of a session, where a test does not say otherwise. */
const idle = vi.hoisted(() => ({ ms: 300_000 }))
vi.mock(import('../../../relay/inbound/limits.ts'), async (original) => ({
  ...(await original()),
  get idleMs() {
    return idle.ms
  },
  lingerMs: 200 as 5_000,
}))
afterEach(() => {
  idle.ms = 300_000
})

const envelope = ['MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA']
const content = 'From: <noreply@corp.example>\r\n\r\nhi\r\n.\r\n'
/** A TLS handshake that has only begun: the head of a record and of the ClientHello in it. */
const begunHandshake = Buffer.from('1603010200010001fc0303', 'hex')

async function rawTo(under: UnderTest, listener = 'submission'): Promise<Socket> {
  const socket = connect({ port: under.port(listener), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  closers.push(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Resolves when the connection is over, and so not before the relay has seen the client. */
const over = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))

/** Waits until all sessions are over, none of which may have been refused anything. */
async function nobodyIsThere(under: UnderTest): Promise<void> {
  await until('nobody is there', () => under.submission.sessions === 0)
  expect(under.told.filter(({ msg }) => msg === 'refused')).toEqual([])
}

/** The octets of a handshake are counted where it is a stranger's, or asks for a certificate, and else are not. */
const manners = {
  'of a stranger': () => start(),
  'from where somebody has logged in': async () => {
    const { under, spool } = await start()
    const [, socket] = await banner(under, 'submissions')
    await logIn(socket)
    socket.destroy()
    await nobodyIsThere(under)
    return { under, spool }
  },
  'that is asked for a certificate': () => start(undefined, certificateConfig()),
} as const

test.each([
  'nothing',
  'a line without its end',
])('a client that ends its side behind %s is not waited for', async (what) => {
  const { under } = await start()
  const [, socket] = await banner(under)
  const said = whole(socket)
  socket.end(what === 'nothing' ? '' : 'EHLO app.example')
  expect(String(await said)).toBe('')
  await nobodyIsThere(under)
})

test('a client that ends its side before it is greeted is not waited for', async () => {
  const { under } = await start()
  await over((await rawTo(under)).end().resume())
  await nobodyIsThere(under)
})

test.each(
  Object.keys(manners) as (keyof typeof manners)[],
)('a client that ends its side in the middle of a handshake %s gets none, and holds nothing', async (manner) => {
  const { under } = await manners[manner]()
  for (const begun of ['', begunHandshake]) {
    await over((await rawTo(under, 'submissions')).end(begun).resume())
    await nobodyIsThere(under)
    const late = await rawTo(under, 'submissions')
    late.write(begunHandshake)
    await until('the session is there', () => under.submission.sessions === 1)
    late.end().resume()
    await nobodyIsThere(under)
    const socket = await rawTo(under)
    await reply(socket)
    await talk(socket, 'STARTTLS')
    socket.end(begun).resume()
    await nobodyIsThere(under)
  }
})

test('a client that ends its side behind STARTTLS gets the reply to it, and is not waited for', async () => {
  const { under } = await start()
  const [, socket] = await banner(under)
  const said = whole(socket)
  socket.end('STARTTLS\r\n')
  expect(String(await said)).toMatch(/^220 [^\n]*\r\n$/)
  await nobodyIsThere(under)
})

test.each(
  Object.keys(manners) as (keyof typeof manners)[],
)('what a client sends behind its handshake %s and ahead of the end of its side is answered, and the session ends then', async (manner) => {
  const { under } = await manners[manner]()
  const [, raw] = await banner(under)
  await talk(raw, 'STARTTLS')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.destroy())
  const said = whole(socket)
  const login = `AUTH PLAIN ${Buffer.from(`\0${app.username}\0${app.password}`).toString('base64')}`
  socket.once('secureConnect', () => socket.end(`EHLO x\r\n${login}\r\nNOOP\r\nQUIT\r\n`))
  expect(String(await said)).toMatch(/^250-(?:.*\r\n)*235 .*\r\n250 .*\r\n221 .*\r\n$/)
  await nobodyIsThere(under)
})

/** A client after its DATA: once its content has come, the mail waits for the disk until the gate opens. */
async function waiting(manner: keyof typeof manners) {
  const { under, spool } = await manners[manner]()
  const gate = Promise.withResolvers<void>()
  spool.gate = gate.promise
  const raw = await rawTo(under, 'submissions')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.on('error', () => {}).destroy())
  await reply(socket)
  await logIn(socket)
  await talk(socket, ...envelope)
  const said = whole(socket)
  return { under, spool, gate, raw, socket, said }
}

test.each(
  Object.keys(manners) as (keyof typeof manners)[],
)('a client that ends its side behind the final dot, in a session %s, hears that its mail was taken, however long the disk takes', async (manner) => {
  const { under, spool, gate, socket, said } = await waiting(manner)
  // The content is more than is read at once.
  socket.end(content.replace('hi', `${'x'.repeat(78)}\r\n`.repeat(10_000)))
  await until('the content came', () => spool.written > 800_000)
  expect(under.submission.sessions).toBe(1)
  gate.resolve()
  expect(String(await said)).toBe('250 2.0.0 queued as Q1\r\n')
  await nobodyIsThere(under)
  expect(spool.kept).toHaveLength(1)
})

test('a client that ends its side behind the final dot hears that its mail was taken also while the relay shuts down', async () => {
  const { under, spool, gate, socket, said } = await waiting('of a stranger')
  socket.end(content)
  await until('the content came', () => spool.written > 0)
  const closed = under.submission.close(10_000)
  gate.resolve()
  expect(String(await said)).toMatch(/^250 2\.0\.0 queued as Q1\r\n(?:421 .*\r\n)?$/)
  await closed
})

test.each([
  ['resets its connection', (raw: Socket) => void raw.resetAndDestroy()],
  ['ends its side, and is waited for only as long as others are,', (raw: Socket) => void raw.end()],
])('a client that %s holds nothing while the disk stands still, and its mail may still become ours', async (_, leave) => {
  idle.ms = 5_000
  const { under, spool, gate, raw, socket } = await waiting('of a stranger')
  socket.write(content)
  await until('the content came', () => spool.written > 0)
  leave(raw)
  await until('nobody is there', () => under.submission.sessions === 0)
  gate.resolve()
  await until('the mail is ours', () => spool.kept.length === 1)
})

test('a client that ends its side before the handshake that it began has its turn gets none, and holds nothing', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  closers.push(() => void server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
  const [plain] = (await once(server, 'connection')) as [Socket]
  const turns: (() => void)[] = []
  const handshake = new HandshakeUnderWay(
    plain,
    { isOfStranger: false, inTurn: (work) => void turns.push(work) },
    () => ({ context: createSecureContext(), authority: undefined }),
    { raised: () => {}, secured: () => {}, silent: () => {}, crowdedOut: () => {}, failed: () => {}, closed: () => {} },
  )
  closers.push(() => handshake.destroy())
  client.write(begunHandshake)
  await once(plain, 'readable')
  client.end()
  await once(plain, 'readable')
  turns[0]?.()
  await once(client, 'close')
  handshake.over()
})
