/** The HTTP pages of a relay answer whatever is asked of them, and nobody who asks ends the process, or keeps others from an answer. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test, vi } from 'vitest'
import { type Pages, type RelayStatus, serve } from '../../relay/http.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function served(pages: Partial<Pages> = {}): Promise<number> {
  const status = (): RelayStatus => ({ ready: true, notReady: [] }) as unknown as RelayStatus
  const usage = () => ({ day: 0, credentials: [], now: '2026-01-01T00:00:00Z', keys: [] })
  const metrics = async () => ({ type: 'text/plain', text: 'm 1\n' })
  const all = { notReady: () => [], status, usage, metrics, ...pages }
  const { port, close } = await serve({ host: '127.0.0.1', port: 0 }, all)
  closers.push(close)
  return port
}

async function connected(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  closers.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function answerTo(port: number, line: string): Promise<string> {
  const socket = await connected(port)
  socket.write(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`)
  return (await text(socket)).split('\r\n')[0] ?? ''
}

const ask = async (line: string, pages?: Partial<Pages>): Promise<string> => answerTo(await served(pages), line)

test.each([
  ['GET /healthz', 200],
  ['GET /metrics?name[]=x', 200],
  ['GET //', 404],
  ['GET /__proto__', 404],
  ['GET __proto__', 400],
  ['GET http://[', 404],
  ['GET http://x:99999/healthz', 200],
  ['GET http://relay.example:9090/metrics?name[]=x', 200],
  ['GET https://x/healthz', 200],
  ['GET http:///healthz', 404],
  ['GET http://x', 404],
  ['GET /http://x/healthz', 404],
  ['GET /%', 404],
  ['OPTIONS *', 404],
  ['POST /status', 404],
] as const)('the request %s is answered %i', async (line, code) => {
  expect(await ask(line)).toMatch(new RegExp(`^HTTP/1.1 ${code} `))
})

test.each([
  ['/readyz', 200],
  ['/nowhere', 404],
])('HEAD %s is answered as GET is, without the page', async (path, code) => {
  const port = await served()
  const whole = async (method: string) => {
    const socket = await connected(port)
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    return (await text(socket)).replace(/^date: .*\r\n/m, '').split('\r\n\r\n')
  }
  const [[head, body], [asGot, page]] = [await whole('HEAD'), await whole('GET')]
  expect([head, body]).toEqual([asGot, ''])
  expect(head).toContain(`HTTP/1.1 ${code} `)
  expect(head).toContain(`content-length: ${page?.length}`)
})

test('a page that can not be made is answered 500', async () => {
  const fails = (): never => {
    throw new Error('no volume')
  }
  expect(await ask('GET /readyz', { notReady: fails })).toMatch(/^HTTP\/1.1 500 /)
  expect(await ask('GET /status', { status: fails })).toMatch(/^HTTP\/1.1 500 /)
})

test('a client that asks again before it was answered is sent away, and the page is made once for all of its requests (case R18)', async () => {
  let made = 0
  const metrics = async () => {
    made += 1
    return { type: 'text/plain', text: 'm 1\n'.repeat(100_000) }
  }
  const port = await served({ metrics })
  const greedy = await connected(port)
  greedy.pause()
  greedy.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1500))
  expect(await answerTo(port, 'GET /healthz')).toMatch(/^HTTP\/1.1 200 /)
  greedy.resume()
  await vi.waitFor(() => expect(greedy.closed).toBe(true))
  expect(made).toBeLessThanOrEqual(1)
})

test('what a client sends behind its first request is not looked at, however many requests it is (case R18)', async () => {
  const port = await served()
  const question = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
  const costOf = async (asked: string): Promise<number> => {
    const before = process.cpuUsage()
    for (let round = 0; round < 10; round += 1) {
      const sockets = await Promise.all(Array.from({ length: 30 }, () => connected(port)))
      await Promise.all(sockets.map((socket) => once(socket.end(asked).resume(), 'close')))
    }
    const { user } = process.cpuUsage(before)
    return user
  }
  await costOf(question)
  expect(await costOf(question.repeat(1700))).toBeLessThan(5 * (await costOf(question)))
})

test.each([
  ['octet by octet is answered', [...'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'], /^HTTP\/1.1 200 OK\r\n/],
  ['without an end is not answered', ['GET /healthz HTTP/1.1\r\n', 'X: y\r\n'.repeat(10_000)], /^$/],
])('a request that comes %s', async (_how, pieces, answered) => {
  const socket = await connected(await served())
  const said = text(socket).catch(() => '')
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise(setImmediate)
  }
  expect(await said).toMatch(answered)
})

test('a client that ends its side of the connection behind its request is answered, however long that takes', async () => {
  const { promise, resolve } = Promise.withResolvers<{ type: string; text: string }>()
  const port = await served({ metrics: () => promise })
  const socket = await connected(port)
  socket.end('GET /metrics HTTP/1.0\r\n\r\n')
  const said = text(socket)
  // When another client has its answer, the end of this one has come.
  expect(await answerTo(port, 'GET /healthz')).toMatch(/^HTTP\/1.1 200 /)
  resolve({ type: 'text/plain', text: 'm 1\n' })
  expect(await said).toMatch(/\r\n\r\nm 1\n$/)
})

test('clients that ask at the same time share one page (case R18)', async () => {
  let made = 0
  const usage = () => {
    made += 1
    const end = performance.now() + 20
    while (performance.now() < end);
    return { day: 0, credentials: [], now: '2026-01-01T00:00:00Z', keys: [] }
  }
  const port = await served({ usage })
  const asked = Array.from({ length: 30 }, () => answerTo(port, 'GET /usage'))
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['HTTP/1.1 200 OK']))
  expect(made).toBeLessThanOrEqual(3)
})

test('connections on which nothing is asked keep no other client from an answer, and few of them are kept (case R18)', async () => {
  const port = await served()
  const silent = await Promise.all(Array.from({ length: 200 }, () => connected(port)))
  expect(await answerTo(port, 'GET /healthz')).toMatch(/^HTTP\/1.1 200 /)
  await vi.waitFor(() => expect(silent.filter((s) => !s.closed).length).toBeLessThanOrEqual(32))
})

test('a client that connects and asks later is answered, however many wait meanwhile for a page that takes a moment (case R18)', async () => {
  const port = await served({ metrics: () => new Promise(() => {}) })
  const socket = await connected(port)
  for (let n = 0; n < 100; n += 1) {
    const other = await connected(port, `127.0.0.${n + 2}`)
    other.write('GET /metrics HTTP/1.1\r\n\r\n')
    await vi.waitFor(() => expect(other.writableLength).toBe(0))
  }
  socket.write('GET /healthz HTTP/1.1\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 /)
})

test.each([
  ['ask nothing', '127.0.0.1', ''],
  ['ask nothing, from another address', '127.0.0.2', ''],
  ['ask for the same page, from another address', '127.0.0.2', 'GET /metrics HTTP/1.1\r\n\r\n'],
])('a client that asked for a page that takes a moment gets it, however many clients come meanwhile that %s (case R18)', async (_who, localAddress, question) => {
  let made = (): void => {}
  const making = new Promise<void>((resolve) => {
    made = resolve
  })
  const port = await served({
    metrics: async () => {
      await making
      return { type: 'text/plain', text: 'm 1\n' }
    },
  })
  const answer = answerTo(port, 'GET /metrics')
  for (let n = 0; n < 100; n += 1) (await connected(port, localAddress)).write(question)
  expect(await answerTo(port, 'GET /healthz')).toMatch(/^HTTP\/1.1 200 /)
  made()
  expect(await answer).toMatch(/^HTTP\/1.1 200 /)
})

test('a connection ends behind its one answer', async () => {
  const socket = await connected(await served())
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 .*\r\nconnection: close\r\n/is)
})
