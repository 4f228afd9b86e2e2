/** The operator's pages, over HTTP. */
import { afterEach, expect, test } from 'vitest'
import { type Serving, servePages } from '../../operator/pages.ts'

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
])('%s with %j is %i', async (path, wrongs, code, text) => {
  expect(await get(path, wrongs)).toMatchObject({ code, text })
})

test('metrics come with their type, and an error of theirs is no end', async () => {
  expect(await get('/metrics', {})).toMatchObject({ code: 200, type: 'text/plain; version=0.0.4' })
  serving?.close()
  expect(await get('/metrics', { metrics: () => Promise.reject(new Error('oh')) })).toMatchObject({ code: 500 })
})
