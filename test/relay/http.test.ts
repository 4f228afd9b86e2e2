/** The pages of a relay answer whatever is asked of them; none of it ends the process. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { type Pages, type RelayStatus, serve } from '../../relay/http.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function ask(line: string, pages: Partial<Pages> = {}): Promise<string> {
  const status = (): RelayStatus => ({ ready: true, notReady: [] }) as unknown as RelayStatus
  const usage = () => ({ day: 0, credentials: [], now: '2026-01-01T00:00:00Z', keys: [] })
  const metrics = async () => ({ type: 'text/plain', text: 'm 1\n' })
  const { server, port } = await serve({ host: '127.0.0.1', port: 0 }, { status, usage, metrics, ...pages })
  closers.push(() => server.close())
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.end(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  return (await text(socket)).split('\r\n')[0] ?? ''
}

test.each([
  ['GET /healthz', 200],
  ['GET /metrics?name[]=x', 200],
  ['GET //', 404],
  ['GET /__proto__', 404],
  ['GET __proto__', 400],
  ['GET http://[', 404],
  ['GET http://x:99999/healthz', 404],
  ['GET /%', 404],
  ['OPTIONS *', 404],
  ['POST /status', 404],
] as const)('%s is answered %i', async (line, code) => {
  expect(await ask(line)).toMatch(new RegExp(`^HTTP/1.1 ${code} `))
})

test('a page that fails is a 500', async () => {
  const status = (): never => {
    throw new Error('no volume')
  }
  expect(await ask('GET /readyz', { status })).toMatch(/^HTTP\/1.1 500 /)
})
