/** A client that sends on and does not read its replies is not read any further, until it reads them or is sent away. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Conversation } from '../../../relay/inbound/conversation.ts'
import { until } from '../../local/until.ts'
import { banner, logIn, start, talk } from './clients.ts'

// With the ordinary limit, a client that names a recipient again and again is sent away long before the system is full of its replies.
vi.mock(import('../../../relay/inbound/limits.ts'), async (original) => ({
  ...(await original()),
  idleMs: 2000,
  refusalsPerSession: Number.POSITIVE_INFINITY as 1_000,
}))

/** The replies to so many commands are more than the system holds for one connection. */
const commands = 250_000

/** A client in a transaction that names one recipient again and again: each is accepted, and no reply is read. */
async function startUnread() {
  let taken = 0
  const { rcptTo } = Conversation.prototype
  const counted = vi.spyOn(Conversation.prototype, 'rcptTo').mockImplementation(function (this: Conversation, line) {
    taken++
    counted.mockClear()
    return rcptTo.call(this, line)
  })
  onTestFinished(() => counted.mockRestore())
  const { under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<a@corp.example>')
  socket.pause()
  socket.write('RCPT TO:<a@b.example>\r\n'.repeat(commands))
  let before = 0
  await until('no more is taken', () => {
    const isSame = taken > 0 && taken === before
    before = taken
    return isSame
  })
  return { under, socket, taken: () => taken }
}

test('a client that reads no reply is not heard any further, and is sent away when nothing has moved for too long (case R03)', async () => {
  const { under, taken } = await startUnread()
  await until('the client is sent away', () => under.told.some(({ rule }) => rule === 'always.idle'))
  expect(taken()).toBeLessThan(commands)
  await until('its session is over', () => under.submission.sessions === 0)
})

test('a client that reads its replies late gets all of them (case R03)', async () => {
  const { socket, taken } = await startUnread()
  expect(taken()).toBeLessThan(commands)
  let octets = 0
  socket.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  socket.resume()
  await until('the client has all replies', () => octets === '250 2.1.5 forward-path accepted\r\n'.length * commands)
})
