/** How a host is looked up and connected to: few look-ups at once, the last good addresses while DNS fails, each in turn. */
import type { LookupAddress } from 'node:dns'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { createLookup, type SystemLookup } from '../../../relay/delivery/addresses.ts'
import { connectTo } from '../../../relay/delivery/connect.ts'
import { until } from '../../local/until.ts'
import { startSlowListener } from './slow-listener.ts'
import { startSmarthost } from './smarthost.ts'

const v4 = (address: string): LookupAddress => ({ address, family: 4 })
const servfail = Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' })
const ask = (lookup: ReturnType<typeof createLookup>, host: string) => promisify<string, LookupAddress[]>(lookup)(host)

test('the addresses of a host are used for ten seconds, and looked up again after that', async () => {
  let now = 0
  const system = vi.fn<SystemLookup>((_host, _options, answered) => answered(null, [v4('127.0.0.1')]))
  const lookup = createLookup(() => now, system)
  expect(await ask(lookup, 'a.test')).toEqual([v4('127.0.0.1')])
  await ask(lookup, 'a.test')
  expect(system).toHaveBeenCalledTimes(1)
  now = 10_000
  await ask(lookup, 'a.test')
  expect(system).toHaveBeenCalledTimes(2)
})

test('case N01: the last good addresses are used for an hour while the resolver fails, and no longer', async () => {
  let now = 0
  let broken = false
  const lookup = createLookup(
    () => now,
    (_host, _options, answered) => (broken ? answered(servfail, []) : answered(null, [v4('127.0.0.9')])),
  )
  await ask(lookup, 'a.test')
  broken = true
  now = 3_599_000
  expect(await ask(lookup, 'a.test')).toEqual([v4('127.0.0.9')])
  now = 3_600_000
  await expect(ask(lookup, 'a.test')).rejects.toThrow('EAI_AGAIN')
})

test('case N08: sixteen slow look-ups occupy no more than two threads', async () => {
  const waiting: (() => void)[] = []
  let most = 0
  const lookup = createLookup(Date.now, (_host, _options, answered) => {
    waiting.push(() => answered(null, [v4('127.0.0.1')]))
    most = Math.max(most, waiting.length)
  })
  const all = Promise.all(Array.from({ length: 16 }, (_, i) => ask(lookup, `h${i % 8}.test`)))
  let asked = 0
  while (waiting.length > 0) {
    asked += 1
    waiting.shift()?.()
  }
  await all
  expect(most).toBe(2)
  expect(asked).toBe(8)
})

test('a slow resolver does not hold up a host whose address is known', async () => {
  let now = 0
  let slow = false
  const lookup = createLookup(
    () => now,
    (_host, _options, answered) => (slow ? undefined : answered(null, [v4('127.0.0.1')])),
  )
  await ask(lookup, 'a.test')
  ;[now, slow] = [60_000, true]
  vi.useFakeTimers()
  try {
    const answer = ask(lookup, 'a.test')
    await vi.advanceTimersByTimeAsync(2000)
    expect(await answer).toEqual([v4('127.0.0.1')])
  } finally {
    vi.useRealTimers()
  }
})

const dial = (port: number, addresses: readonly LookupAddress[] | Error | 'silence', deadlineMs = 2000) => {
  const lookup = createLookup(Date.now, (_host, _options, answered) => {
    if (addresses === 'silence') return
    if (addresses instanceof Error) answered(addresses, [])
    else answered(null, [...addresses])
  })
  return connectTo({ host: 'smarthost.test', port, lookup, deadlineMs, signal: new AbortController().signal })
}

test('case N07: an address that does not answer is passed over within a second', async () => {
  const upstream = await startSmarthost()
  const started = performance.now()
  const socket = await dial(upstream.port, [{ address: '100::1', family: 6 }, v4('127.0.0.1')])
  expect(performance.now() - started).toBeLessThan(1000)
  expect('kind' in socket).toBe(false)
  if ('destroy' in socket) socket.destroy()
})

test('case N09: a name of a smarthost that leads to our own link is not followed there, and its other addresses are used', async () => {
  const metadata = [v4('169.254.169.254'), { address: 'fd00:ec2::254', family: 6 }]
  expect(await dial(80, metadata)).toEqual({
    kind: 'none',
    cause: 'unresolved',
    why: "smarthost.test leads to 169.254.169.254, fd00:ec2::254, where a cloud's metadata service may be, and no smarthost is",
  })
  const upstream = await startSmarthost()
  const socket = await dial(upstream.port, [...metadata, v4('127.0.0.1')])
  expect(socket).toMatchObject({ remoteAddress: '127.0.0.1' })
  if ('destroy' in socket) socket.destroy()
})

test('case N07: an address that loses a packet is not given up for the next one', async () => {
  const slow = await startSlowListener()
  const dialed = dial(slow.port, [v4('127.0.0.1'), v4('127.0.0.9')], 10_000)
  // Longer than the address before the next one has for itself: that time has to pass here.
  setTimeout(slow.goOn, 500)
  const socket = await dialed
  expect(socket).toMatchObject({ remoteAddress: '127.0.0.1' })
  if ('destroy' in socket) socket.destroy()
})

test('the address that connects first is used, and the attempts at the others end', async () => {
  const slow = await startSlowListener()
  const upstream = await startSmarthost({ address: '127.0.0.2', port: slow.port })
  const others = process.getActiveResourcesInfo().filter((one) => one.startsWith('TCP')).length
  const socket = await dial(slow.port, [v4('127.0.0.1'), v4('127.0.0.2'), v4('127.0.0.3')], 10_000)
  expect(socket).toMatchObject({ remoteAddress: '127.0.0.2' })
  await until('the connection is there', () => upstream.open() === 1)
  // Two are left: both ends of the connection that is used.
  await until('no other is left', () => {
    const now = process.getActiveResourcesInfo().filter((one) => one.startsWith('TCP'))
    return now.length <= others + 2
  })
  if ('destroy' in socket) socket.destroy()
})

test('however many addresses are silent, the last one is tried within the deadline', async () => {
  const { port } = await startSlowListener()
  await startSmarthost({ address: '127.0.0.2', port })
  const silent = Array.from({ length: 30 }, () => v4('127.0.0.1'))
  const socket = await dial(port, [...silent, v4('127.0.0.2')], 6_000)
  expect(socket).toMatchObject({ remoteAddress: '127.0.0.2' })
  if ('destroy' in socket) socket.destroy()
})

test('on a busy loop no timer is asked for a time that has passed: Node would warn of it, in a line of the log that is no JSON', async () => {
  const { port } = await startSlowListener()
  await startSmarthost({ address: '127.0.0.2', port })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  try {
    const dialed = dial(port, [v4('127.0.0.1'), v4('127.0.0.1'), v4('127.0.0.2')], 10_000)
    for (let n = 0; n < 3; n += 1) await new Promise((resolve) => process.nextTick(resolve))
    const busyUntil = performance.now() + 700
    while (performance.now() < busyUntil);
    const socket = await dialed
    expect(socket).toMatchObject({ remoteAddress: '127.0.0.2' })
    if ('destroy' in socket) socket.destroy()
    expect(timers.mock.calls.map(([, ms]) => ms).filter((ms) => ms !== undefined && ms < 0)).toEqual([])
  } finally {
    timers.mockRestore()
  }
})

test('a connection that was made while this process had no time to look counts as made in time', async () => {
  const { port } = await startSmarthost()
  const dialed = dial(port, [v4('127.0.0.1')], 300)
  // The connection has begun; the loop below keeps this process from noticing that it is made.
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => process.nextTick(resolve))
  const busyUntil = performance.now() + 700
  while (performance.now() < busyUntil);
  const socket = await dialed
  expect(socket).toMatchObject({ remoteAddress: '127.0.0.1' })
  if ('destroy' in socket) socket.destroy()
})

test.each([
  ['a host that does not exist', Object.assign(new Error('x'), { code: 'ENOTFOUND' }), 'unresolved'],
  ['a host whose resolver fails', servfail, 'unresolved'],
  ['a host whose resolver is silent', 'silence', 'unresolved'],
  ['a host without addresses', [], 'unresolved'],
  ['a host where nobody listens', [v4('127.0.0.2'), v4('127.0.0.3')], 'unreachable'],
] as const)('no connection is made to %s, and the cause is %s', async (_name, addresses, cause) => {
  const upstream = await startSmarthost()
  const answer = await dial(upstream.port, addresses, 200)
  expect(answer).toMatchObject({ kind: 'none', cause })
})

// There is no way to a host of that address, whatever the network (RFC 919 section 7).
const noWayTo = '255.255.255.255'

test.each([
  ['nobody listens', ['127.0.0.1'], 'smarthost.test:1 refused the connection (ECONNREFUSED)'],
  ['there is no way to it', [noWayTo], 'no way to smarthost.test:1 (ENETUNREACH)'],
  ['no way to its first address', [noWayTo, '127.0.0.1'], 'smarthost.test:1 refused the connection (ECONNREFUSED)'],
])('a host is said to refuse a connection only where one has come to it: %s', async (_what, addresses, why) => {
  expect(await dial(1, addresses.map(v4), 20_000)).toEqual({ kind: 'none', cause: 'unreachable', why })
})

test('stopping ends a connection that is being opened', async () => {
  const stop = new AbortController()
  const lookup = createLookup(Date.now, () => {})
  const answer = connectTo({ host: 'a.test', port: 1, lookup, deadlineMs: 60_000, signal: stop.signal })
  stop.abort()
  expect(await until('the attempt to connect ends', () => answer)).toMatchObject({ kind: 'none', cause: 'lost' })
})
