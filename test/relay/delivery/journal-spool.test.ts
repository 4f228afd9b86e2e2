/** Delivery works on the spool of the product, from queue id to DSN, and goes on after a restart in the middle. */
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createDelivery } from '../../../relay/delivery/delivery.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { recordEvents } from './rig.ts'
import { contentOf, envelope, hello, loadedWith, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

async function start(directory: string, port: number, scheduleMs = [50]) {
  const { events, told, attempts } = recordEvents()
  const spool = await openSpool({ directory: join(directory, 'spool'), events })
  const retry = { scheduleMs, expireAfterMs: 60_000 }
  const loaded = loadedWith([route('r', [smarthost('a', port)], { retry })])
  const delivery = createDelivery({
    spool,
    events,
    loaded: () => loaded,
    inboxDirectory: join(directory, 'inbox'),
    attemptsFile: join(directory, 'open-attempts'),
  })
  delivery.start()
  const submit = async (content: Buffer, rest: Partial<Envelope> = {}) => {
    const incoming = await spool.receive()
    await incoming.write(content)
    const { queueId: _, bytes: __, ...sample } = envelope(content, rest)
    return (await incoming.commit(sample)).envelope
  }
  const stop = async () => {
    await delivery.close(1000)
    await spool.close()
  }
  return { spool, delivery, told, attempts, submit, stop }
}

test('small and large messages are delivered, a deferred recipient is tried again, and a refused one reported by a DSN', async () => {
  const upstream = await startSmarthost({
    script: {
      RCPT: (time, line) => {
        if (line.includes('<no@')) return say('550 5.1.1 unknown')
        return line.includes('<later@') && time < 6 ? say('450 4.2.0 later') : undefined
      },
    },
  })
  const { submit, spool, stop } = await start(temporaryFolder(), upstream.port)
  const large = contentOf(500_000)
  await submit(hello)
  await submit(large, { forwardPaths: ['large@x.test'] })
  const mixed = await submit(hello, { forwardPaths: ['yes@x.test', 'no@x.test', 'later@x.test'] })
  await until('the queue is empty', () => spool.bytes === 0 && upstream.received.length === 5)
  const to = (who: string) => upstream.received.filter((r) => r.rcpt.some((path) => path.includes(`<${who}@`)))
  expect(to('large')[0]?.content.equals(large)).toBe(true)
  expect(to('yes')).toHaveLength(1)
  expect(to('later')).toHaveLength(1)
  const [dsn] = to('app')
  expect(dsn?.mail).toMatch(/^MAIL FROM:<>/)
  expect(dsn?.content.toString()).toContain(mixed.queueId)
  await stop()
})

test('after a restart delivery goes on where it was: no recipient gets a message twice, and none is forgotten', async () => {
  const directory = temporaryFolder()
  const upstream = await startSmarthost({
    script: { RCPT: (_, line) => (line.includes('<later@') ? say('450 4.2.0 later') : undefined) },
  })
  const first = await start(directory, upstream.port, [1500])
  const message = await first.submit(hello, { forwardPaths: ['yes@x.test', 'later@x.test'] })
  await until('the first attempt is made', () => first.attempts.length === 2)
  await first.stop()
  upstream.script.RCPT = say('250 2.1.5 ok')
  const second = await start(directory, upstream.port)
  const { deferred, oldestSeconds } = second.delivery.summary()
  expect(deferred).toBe(1)
  expect(Math.abs(oldestSeconds - (Date.now() - message.acceptedAt) / 1000)).toBeLessThan(1)
  await until('the queue is empty', () => second.spool.bytes === 0)
  expect(upstream.received.map((r) => r.rcpt)).toEqual([['RCPT TO:<yes@x.test>'], ['RCPT TO:<later@x.test>']])
  expect(second.attempts.map((a) => a.attempt)).toEqual([2])
  await second.stop()
})

test.each([
  ['zeros', 0],
  ['other octets', 0x78],
])('a large content of which the disk has lost a block to %s is set aside, and nothing of it is sent (case S12)', async (_name, octet) => {
  const [directory, upstream] = [temporaryFolder(), await startSmarthost()]
  const down = await start(directory, 1, [60_000])
  const { queueId } = await down.submit(contentOf(500_000))
  await down.stop()
  const [name = ''] = readdirSync(join(directory, 'spool', 'large'))
  const file = openSync(join(directory, 'spool', 'large', name), 'r+')
  writeSync(file, Buffer.alloc(4096, octet), 0, 4096, 200_000)
  closeSync(file)
  const { spool, told, stop } = await start(directory, upstream.port)
  await until('it is set aside', () => !spool.has(queueId))
  expect(readdirSync(join(directory, 'spool', 'quarantine'))).toHaveLength(1)
  expect(told.filter(({ fact }) => fact === 'unexpected')).toEqual([])
  expect(upstream.received).toEqual([])
  await stop()
})
