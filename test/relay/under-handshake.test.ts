/** The pieces of a TLS handshake each wait for their client's turn, and none overtakes another. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { expect, test, vi } from 'vitest'
import { UnderHandshake } from '../../relay/under-handshake.ts'
import { makeCertificates } from '../certificates.ts'
import { until } from '../local/until.ts'
import { liveBytes } from './live-memory.ts'

test('before the handshake is done each piece waits for its turn, after it octets pass at once, and all stay in their order', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [socket] = (await accepted) as [Socket]
  const waiting: (() => void)[] = []
  const under = new UnderHandshake(socket, { inTurn: (work) => waiting.push(work) })
  let passed = ''
  under.on('data', (chunk) => {
    passed += String(chunk)
  })

  client.write('hello ')
  await until('the first piece waits', () => waiting.length === 1)
  client.write('certificate ')
  expect(passed).toBe('')
  waiting.shift()?.()
  await until('the second piece waits', () => waiting.length === 1)
  expect(passed).toBe('hello ')
  waiting.shift()?.()
  under.handshakeDone(() => passed.length)
  client.end('EHLO')
  await until('the rest has passed', () => passed === 'hello certificate EHLO')
  expect(waiting).toEqual([])
  under.destroy()
  client.destroy()
  server.close()
})

test.each(['its turn', 'its reader'])('the end of a connection does not overtake what waits for %s', async (what) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [socket] = (await accepted) as [Socket]
  const waiting: (() => void)[] = []
  const under = new UnderHandshake(socket, { inTurn: (work) => void waiting.push(work) })
  let failed: unknown
  under.on('error', (error) => {
    failed = error
  })
  if (what === 'its reader') under.handshakeDone(() => 0)
  const records = Buffer.concat([Buffer.from([23, 3, 3, 0, 1, 97]), Buffer.from([23, 3, 3, 0, 1, 98])])
  client.end(records)
  await until('the end has come', () => socket.readableEnded)
  for (const work of waiting) work()
  const passed: Buffer[] = []
  under.on('data', (record: Buffer) => passed.push(record))
  await until('the wrapped connection has ended, too', () => under.readableEnded || failed !== undefined)
  expect(failed).toBeUndefined()
  expect(Buffer.concat(passed)).toEqual(records)
  expect(under.writable).toBe(true)
  under.destroy()
  client.destroy()
  server.close()
})

test('nothing is kept in memory of records that have passed, however many came at once (case R15)', async () => {
  /** A TLS record with 16 KiB of content: its head is type, version and length. */
  const record = Buffer.concat([Buffer.from([23, 3, 3, 0x40, 0]), Buffer.alloc(0x4000)])
  const sockets = Array.from({ length: 100 }, () => new PassThrough())
  let passed = 0
  const unders = sockets.map((socket) => {
    const under = new UnderHandshake(socket as unknown as Socket).handshakeDone(() => passed)
    return under.on('data', ({ length }: Buffer) => {
      passed += length
    })
  })
  const begin = liveBytes()
  for (const socket of sockets) socket.write(Buffer.concat([record, record, record]))
  await until('all has passed', () => passed === 300 * record.length)
  expect(liveBytes() - begin).toBeLessThan(1_000_000)
  for (const under of unders) under.destroy()
})

test.each([
  ['at each piece', 1],
  ['when it holds a few', 5],
])('a TLS record with content is not taken for an empty one, however often its reader pauses: %s', async (_when, most) => {
  const { cert, key, ca } = await makeCertificates(['localhost'])
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const { port } = server.address() as { port: number }
  const client = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca })
  const [socket] = (await accepted) as [Socket]
  const under = UnderHandshake.of(socket)
  const secured = new TLSSocket(under, { isServer: true, secureContext: createSecureContext({ cert, key }) })
  const silent = vi.fn()
  under.once('silent', silent)
  for (const one of [client, secured, under]) one.on('error', () => {})
  await once(secured, 'secure')
  under.handshakeDone(() => secured.bytesRead)
  secured.write('220')
  await once(client, 'data')
  const content = Buffer.alloc(65_536, 'a')
  let came = 0
  let held = 0
  secured.on('data', (octets) => {
    came += octets.length
    held += 1
    if (held >= most) secured.pause()
    setImmediate(() => {
      held = 0
      if (secured.isPaused()) secured.resume()
    })
  })
  const all = 600 * content.length
  for (let sent = 0; sent < all; sent += content.length) client.write(content)
  await until('all has come, or there is no more of it', () => came === all || under.destroyed, 25_000)
  expect(silent).not.toHaveBeenCalled()
  expect(came).toBe(all)
  for (const one of [secured, client]) one.destroy()
  server.close()
})
