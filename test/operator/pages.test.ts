/** The operator serves health, readiness and metrics over HTTP, and neither many requests nor idle connections keep others from an answer. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { servePages } from '../../operator/pages.ts'
import type { Serving } from '../../relay/page-server.ts'

let serving: Serving | undefined
afterEach(() => serving?.close())

async function get(path: string, wrongs: { unhealthy?: string[]; unready?: string[]; metrics?: () => Promise<never> }) {
  serving = await servePages(
    { host: '127.0.0.1', port: 0 },
    {
      unhealthy: () => wrongs.unhealthy ?? [],
      unready: () => wrongs.unready ?? [],
      metrics: wrongs.metrics ?? (async () => ({ type: 'text/plain; version=0.0.4', text: 'relayfleet_leader 1\n' })),
    },
  )
  const answer = await fetch(`http://127.0.0.1:${serving.port}${path}`)
  return { code: answer.status, text: await answer.text(), type: answer.headers.get('content-type') }
}

test.each([
  ['/healthz', {}, 200, 'ok\n'],
  ['/healthz', { unhealthy: ['stuck'], unready: [] }, 503, 'stuck\n'],
  ['/healthz', { unready: ['not listed'] }, 200, 'ok\n'],
  ['/readyz', { unready: ['not listed', 'nor that'] }, 503, 'not listed\nnor that\n'],
  ['/readyz?verbose', {}, 200, 'ok\n'],
  ['/status', {}, 404, 'not found\n'],
  ['//', {}, 404, 'not found\n'],
])('%s of an operator with %j answers %i', async (path, wrongs, code, text) => {
  expect(await get(path, wrongs)).toMatchObject({ code, text })
})

test('metrics are served with their content type, and where making them fails the answer is 500', async () => {
  expect(await get('/metrics', {})).toMatchObject({ code: 200, type: 'text/plain; version=0.0.4' })
  serving?.close()
  expect(await get('/metrics', { metrics: () => Promise.reject(new Error('oh')) })).toMatchObject({ code: 500 })
})

test('a client that sends 1,500 requests without waiting is disconnected, and the page is made at most once for it (case R18)', async () => {
  let made = 0
  const metrics = async () => {
    made += 1
    return { type: 'text/plain', text: 'm 1\n'.repeat(100_000) }
  }
  serving = await servePages({ host: '127.0.0.1', port: 0 }, { unhealthy: () => [], unready: () => [], metrics })
  const socket = connect(serving.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1500))
  await once(socket.resume(), 'close')
  expect(made).toBeLessThanOrEqual(1)
})

test('a hundred idle connections keep nobody from an answer, and most of them are closed (case R18)', async () => {
  serving = await servePages(
    { host: '127.0.0.1', port: 0 },
    { unhealthy: () => [], unready: () => [], metrics: () => Promise.reject(new Error('none')) },
  )
  const { port } = serving
  const idle = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  const ended = new Set<Socket>()
  for (const socket of idle) socket.resume().once('close', () => ended.add(socket))
  await Promise.all(idle.map((socket) => socket.connecting && once(socket, 'connect')))
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  await expect.poll(() => ended.size).toBeGreaterThanOrEqual(68)
})
