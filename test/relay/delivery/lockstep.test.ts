/** A server that offers PIPELINING and can not do it, as behind a proxy that reads one command at a time, gets its mail all the same. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { onTestFinished } from '../../own-test.ts'
import { clockAhead } from './clock-ahead.ts'
import { allWithin, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'

/** Of what comes in one read it answers so many commands, and loses the others. */
async function startForgetful(atOnce: number) {
  const reads: string[] = []
  let taken = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let inContent = false
    let content = ''
    const answerTo = (line: string): string => {
      if (line.startsWith('EHLO')) return '250-forgetful.test\r\n250 PIPELINING'
      if (line !== 'DATA') return '250 2.0.0 ok'
      inContent = true
      return '354 go ahead'
    }
    socket.setEncoding('latin1').on('error', () => {})
    socket.on('data', (text: string) => {
      reads.push(text)
      if (!inContent) {
        const lines = text.split('\r\n').slice(0, -1)
        for (const line of lines.slice(0, atOnce)) socket.write(`${answerTo(line)}\r\n`)
        return
      }
      content += text
      if (!content.endsWith('\r\n.\r\n')) return
      inContent = false
      content = ''
      taken++
      socket.write('250 2.0.0 queued\r\n')
    })
    socket.write('220 forgetful.test\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // Not where a client is taken: one that comes while the test is being ended would be too late for that.
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const isPipelined = (text: string): boolean => /^(RSET|MAIL).*\r\n./.test(text)
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    batches: () => reads.filter(isPipelined).length,
  }
}

test.each([
  1, 2,
])('where commands behind the first %d of a batch are lost, the next attempt says one after the other, as does other mail within an hour', async (atOnce) => {
  const upstream = await startForgetful(atOnce)
  const retry = { scheduleMs: [10], expireAfterMs: 86_400_000 }
  const { spool, attempted, attempts } = rig([route('r', [smarthost('a', upstream.port)], { retry })], {
    deadlines: allWithin(1000),
  })
  const put = (): unknown => spool.put(envelope(hello), hello)
  put()
  await attempted(2)
  put()
  await attempted(3)
  expect(attempts.map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)).toEqual([
    '1 deferred',
    '2 delivered',
    '1 delivered',
  ])
  expect([upstream.taken(), upstream.batches()]).toEqual([2, 1])
  clockAhead(3_601_000)
  put()
  await attempted(4)
  expect(upstream.batches()).toBe(2)
})
