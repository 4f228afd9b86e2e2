/** What a client sent in time is heard also where the relay was held up until that time was over, as by a pause of its machine. */
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { expect, test, vi } from 'vitest'
import { banner, closers, reply, start, talk } from './clients.ts'

/** Long enough for all that comes before the pause. */
const timeMs = 2000
vi.mock(import('../../../relay/inbound/limits.ts'), async (original) => ({
  ...(await original()),
  idleMs: 2000 as 300_000,
  commandMs: 2000 as 60_000,
  handshakeMs: 2000 as 30_000,
}))

/** The whole process stops, the client's part and the relay's: what was written is in the hands of the kernel. */
const pause = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeMs + 200)

test.each([
  ['a command', 'NOOP\r\n', 'NOOP\r\n'],
  ['the rest of a command', 'NOOP\r\nNO', 'OP\r\n'],
])('%s that came while the relay was held up came in time', async (_what, first, then) => {
  const { under } = await start()
  const [, socket] = await banner(under)
  const answer = reply(socket)
  socket.write(first)
  expect(await answer).toMatch(/^250 /)
  const said = reply(socket)
  socket.write(then)
  pause()
  expect(await said).toMatch(/^250 /)
})

test('a handshake that the client ended while the relay was held up ends in a session', async () => {
  const { under } = await start()
  const [, raw] = await banner(under)
  await talk(raw, 'STARTTLS')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.on('error', () => {}).destroy())
  await once(socket, 'secureConnect')
  pause()
  expect(await talk(socket, 'EHLO app.example')).toEqual([expect.stringMatching(/^250-/)])
})
