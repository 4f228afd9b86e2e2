/** A relay that has too many files open to connect tells of that, and takes it for no failure of a next hop. */
import type * as net from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Lookup } from '../../../relay/delivery/addresses.ts'
import { none } from '../../../relay/delivery/answer.ts'
import { classifyOpening } from '../../../relay/delivery/classify.ts'
import { connectTo } from '../../../relay/delivery/connect.ts'
import { unproven } from '../../../relay/delivery/health.ts'
import type { Lane } from '../../../relay/delivery/lane.ts'
import { learn } from '../../../relay/delivery/news.ts'
import type { Pool } from '../../../relay/delivery/pool.ts'
import { Reach } from '../../../relay/delivery/reach.ts'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { oneSmarthost, recordEvents, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const system = vi.hoisted(() => ({ lacks: undefined as string | undefined, at: '127.0.0.1' }))
vi.mock(import('node:net'), async (original) => {
  const real = await original()
  const connect = (options: net.TcpNetConnectOpts): net.Socket => {
    if (system.lacks === undefined || options.host !== system.at) return real.connect(options)
    const error = Object.assign(new Error(`connect ${system.lacks}`), { code: system.lacks })
    return new real.Socket().destroy(error)
  }
  return { ...real, connect: connect as typeof net.connect }
})

function lackNothing(): void {
  system.lacks = undefined
}

function lack(code: string, at = '127.0.0.1'): void {
  Object.assign(system, { lacks: code, at })
  onTestFinished(() => lackNothing())
}

const retry = { scheduleMs: [20], expireAfterMs: 86_400_000 }

test.each([
  'EMFILE',
  'ENFILE',
])('%s at a connect is told as ours: no attempt is counted, no smarthost is left out, no other one has the mail, and it leaves once that is over', async (code) => {
  const [first, backup] = [await startSmarthost({}), await startSmarthost({})]
  const hosts = [smarthost('a', first.port), smarthost('b', backup.port, { priority: 1 })]
  const { spool, attempts, facts, delivery } = rig([{ ...route('default', hosts), retry }])
  lack(code)
  for (let n = 0; n < 10; n++) spool.put(envelope(hello), hello)
  const [deferral] = await until('one is deferred', () => facts('deferred').length > 0 && facts('deferred'))
  expect(JSON.stringify(deferral)).toContain(
    `too many files are open here to connect to 127.0.0.1:${first.port} (${code})`,
  )
  expect([attempts, facts('smarthostEjected')]).toEqual([[], []])
  expect(facts('deferred').length).toBeLessThan(10)
  expect(delivery.smarthosts()).toMatchObject([{ health: 'paused', lastReply: { status: '4.4.5' } }, {}])
  lackNothing()
  await until('all are delivered', () => spool.stored.size === 0)
  expect(attempts.map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)).toEqual(Array(10).fill('1 delivered'))
  expect(backup.connections()).toBe(0)
})

test('where there is no file for a further connection, mail goes over those that are open', async () => {
  const upstream = await startSmarthost({ script: {} })
  const { spool, attempts, attempted, facts } = rig(oneSmarthost(upstream.port, { maxConnections: 5 }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  lack('EMFILE')
  for (let n = 0; n < 20; n++) spool.put(envelope(hello), hello)
  await attempted(21)
  expect([attempts.map((a) => a.outcome.kind), facts('deferred')]).toEqual([Array(21).fill('delivered'), []])
  expect(upstream.connections()).toBe(1)
})

test('that there was no file for one of several addresses is told of them, since nothing is known of that one', async () => {
  lack('EMFILE', '127.0.0.2')
  const found = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ]
  const lookup: Lookup = (_host, answered) => process.nextTick(answered, null, found)
  const { signal } = new AbortController()
  const answer = await connectTo({ host: 'mx.a.test', port: await freePort(), lookup, deadlineMs: 20_000, signal })
  expect(answer).toMatchObject({ cause: 'exhausted' })
})

test('exchangers that no file was left for are as much within reach as before', () => {
  const reach = new Reach()
  const unreached = [classifyOpening('connect', none('unreachable', 'no way'))]
  for (let n = 0; n < 10; n++) reach.learn(`mx${n}.test`, unreached, 0)
  const room = { reach }
  const pool = { isExchanger: true, isAbandoned: false, health: unproven, name: 'mx.test' }
  const outcomes = [classifyOpening('connect', none('exhausted', 'too many files are open here'))]
  learn({ room } as unknown as Lane, pool as unknown as Pool, { asked: false, outcomes }, 0, recordEvents().events)
  expect(reach.describe(String)).toMatchObject({ health: 'ejected' })
  expect(pool.health).toMatchObject({ ejections: 0, pauses: 1 })
})
