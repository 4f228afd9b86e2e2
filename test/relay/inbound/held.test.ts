/** What a message holds in memory while its content is on its way counts against the bound of all contents. */
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { banner, logIn, reply, start, talk } from './clients.ts'
import { baseConfig, type UnderTest } from './submission-under-test.ts'

async function inContent(under: UnderTest, begin: string): Promise<Socket> {
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<a@corp.example>', 'RCPT TO:<b@elsewhere.example>', 'DATA')
  await new Promise((resolve) => socket.write(begin, resolve))
  return socket
}

/** The ways in which a content is over. */
const ends: readonly ((socket: Socket) => unknown)[] = [
  (socket) => socket.destroy(),
  (socket) => talk(socket, '.'),
  (socket) => talk(socket, '\0\r\n.'),
]

test('header fields that say who sends count as held memory as long as they are kept, which is to the end of the content (case R15)', {
  timeout: 60_000,
}, async () => {
  const limits = { ...baseConfig.limits, connectionsPerClient: 1000 }
  const { under } = await start(undefined, { ...baseConfig, limits })
  const line = `${'x'.repeat(90)}\r\n `
  const from = `From: "${line.repeat(1050)}" <a@corp.example>\r\n\r\n`
  const large = `From: <a@corp.example>\r\nX: ${'y'.repeat(99_000)}\r\n\r\n`
  const isTaken = async (): Promise<boolean> => {
    const socket = await inContent(under, large)
    const said = reply(socket)
    socket.write('.\r\n')
    const verdict = await said
    socket.destroy()
    expect(verdict).toMatch(/^250 |^451 4\.3\.1 .*\(always\.memory\)/)
    return verdict.startsWith('250 ')
  }
  // With 85 such fields the 8 MiB are full that contents may hold before they count as much.
  const contents: Socket[] = []
  for (let n = 0; n < 90; n++) contents.push(await inContent(under, `${from}${'z'.repeat(70_000)}\r\n`))
  expect(await isTaken()).toBe(false)
  for (const [n, socket] of contents.entries()) await ends[n % ends.length]?.(socket)
  expect(await isTaken()).toBe(true)
})
