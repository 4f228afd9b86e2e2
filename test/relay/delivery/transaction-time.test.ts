/** A transaction ends in time, though each reply, or each piece of the content, is just in time (RFC 5321 section 4.5.3.2). */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { capabilitiesOf } from '../../../relay/delivery/capabilities.ts'
import { classifyTransaction } from '../../../relay/delivery/classify.ts'
import { Client } from '../../../relay/delivery/client.ts'
import { Wire } from '../../../relay/delivery/wire.ts'
import { until } from '../../local/until.ts'
import { type Script, say } from './behaviour.ts'
import { both, deliver } from './one-message.ts'
import { allWithin, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const deadlines = { ...allWithin(20_000), transaction: 500 }
const tooMany = { kind: 'deferred', scope: 'transaction', reply: { code: 451, status: '4.4.2' } }
const givenUp = { kind: 'deferred', scope: 'nextHop', reply: { code: 451, status: '4.4.2' } }

test.each(
  both,
)('case U01: replies that are each in time hold a connection no longer than a transaction may take, and the next one has fewer recipients: %s', async (_name, offers) => {
  const refusal = say('550 5.1.1 unknown', { afterMs: 60 })
  const script: Script = {
    RCPT: (_, line) => (line.includes('<bad') ? refusal : say('250 2.1.5 ok', { afterMs: 60 })),
  }
  const good = Array.from({ length: 19 }, (_, i) => `user${i}@x.test`)
  const forwardPaths = [...good, 'bad@x.test']
  const { outcomes, received, facts } = await deliver({ script, offers }, { forwardPaths }, hello, deadlines)
  expect(outcomes.slice(0, 20)).toMatchObject(forwardPaths.map(() => tooMany))
  const arrived = received.flatMap(({ rcpt }) => rcpt)
  expect(arrived.toSorted()).toEqual(good.map((path) => `RCPT TO:<${path}>`).toSorted())
  expect(facts('bounced')).toHaveLength(1)
  expect(facts('deferred')).toEqual([])
})

const nobody = { host: '127.9.9.9', port: 1 }

test.each([
  [
    'also where a backup is down',
    { backups: [smarthost('backup', 1, { ...nobody, priority: 1 })], reloadsEveryMs: undefined },
  ],
  ['also where a newer configuration comes while it lasts, each time', { backups: [], reloadsEveryMs: 200 }],
])('case U01: of recipients for whom a transaction was too long fewer are in the next one, %s', async (_where, {
  backups,
  reloadsEveryMs,
}) => {
  const upstream = await startSmarthost({ script: { RCPT: say('250 2.1.5 ok', { afterMs: 60 }) } })
  const routes = [route('r', [smarthost('main', upstream.port), ...backups])]
  const { spool, facts, quiet, reload } = rig(routes, { deadlines })
  const reloading = reloadsEveryMs && setInterval(() => reload(routes), reloadsEveryMs)
  onTestFinished(() => clearInterval(reloading))
  const forwardPaths = Array.from({ length: 20 }, (_, i) => `user${i}@x.test`)
  spool.put(envelope(hello, { forwardPaths }), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  await quiet()
  const arrived = upstream.received.flatMap(({ rcpt }) => rcpt)
  expect(arrived.toSorted()).toEqual(forwardPaths.map((path) => `RCPT TO:<${path}>`).toSorted())
  expect(facts('deferred')).toEqual([])
})

test('the answer to the final dot is waited for, however long the transaction has taken, since it may be a yes (RFC 1047)', async () => {
  const script: Script = { dot: say('250 2.0.0 queued', { afterMs: 700 }) }
  const { outcomes } = await deliver({ script }, {}, hello, deadlines)
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
})

const piece = (octets: number): string => `${'x'.repeat(octets - 2)}\r\n`

test.each([
  ['three octets', 'is given up before its final dot', piece(3)],
  ['a thousand octets', 'has the time that it takes on a thin line', piece(1000)],
])('content that is read in pieces of %s, each in time, %s', async (_of, becomes, one) => {
  let inContent = false
  const peer = new Duplex({
    writableHighWaterMark: 1,
    read() {},
    write(chunk: Buffer, _encoding, taken) {
      if (chunk.equals(Buffer.from('.\r\n'))) {
        taken()
        return void setImmediate(() => this.push('250 2.0.0 queued\r\n'))
      }
      if (inContent) return void setTimeout(taken, 60).unref()
      inContent = chunk.includes('DATA\r\n')
      this.push('250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n')
      return taken()
    },
  })
  const pieces = 20
  async function* chunks() {
    for (let i = 0; i < pieces; i++) yield Buffer.from(one)
  }
  const client = new Client(
    new Wire(peer as Socket, deadlines),
    'client.test',
    capabilitiesOf({ code: 250, lines: ['x', 'PIPELINING'] }),
    '',
    '',
  )
  const octets = pieces * one.length
  const content = { kind: 'stream', chunks, octets, eightBit: false, utf8Header: false } as const
  const mailing = { reversePath: 'a@b.test', forwardPaths: ['c@d.test'], parameters: '', content }
  const transaction = await client.transact(mailing)
  const isGivenUp = becomes.startsWith('is given up')
  expect(classifyTransaction(transaction, 1)).toMatchObject([isGivenUp ? givenUp : { kind: 'delivered' }])
  expect(transaction.dot === undefined).toBe(isGivenUp)
  expect(client.usable).toBe(!isGivenUp)
})

test('a transaction with content of several gigabytes has as much time as a timer can hold', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const wire = new Wire(new Duplex({ read() {}, write: (_chunk, _encoding, taken) => taken() }) as Socket, deadlines)
  wire.beginTransaction(3 * 2 ** 30)
  vi.advanceTimersByTime(3_600_000)
  expect(wire.broken).toBeUndefined()
  wire.endTransaction()
})

test('a transaction that finds its connection gone leaves no timer behind', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const wire = new Wire(new Duplex({ read() {}, write: (_chunk, _encoding, taken) => taken() }) as Socket, deadlines)
  wire.destroy('it left between two messages')
  wire.beginTransaction(0)
  wire.endTransaction()
  expect(vi.getTimerCount()).toBe(0)
})
