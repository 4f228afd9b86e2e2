/** Mail that the disk does not give out waits, and is told once and by name: not at each attempt, and not as an error of ours. */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { Unread } from '../../../relay/delivery/unread.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { recordEvents, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const eio = (queueId: string, code = 'EIO') =>
  new SpoolError('fault', `the content of message ${queueId} could not be read: ${code}`)

/** Contents can not be read while `isBad`. */
class BadSpool extends MemorySpool {
  isBad = true
  override content(queueId: string): Readable {
    if (!this.isBad) return super.content(queueId)
    return new Readable({
      read() {
        this.destroy(eio(queueId))
      },
    })
  }
}

test('content that can not be read is told once in however many attempts, nothing is bounced for it, and it leaves when it can be read', async () => {
  const upstream = await startSmarthost()
  const spool = new BadSpool()
  const retry = { scheduleMs: [5], expireAfterMs: 86_400_000 }
  const { facts } = rig([route('r', [smarthost('a', upstream.port)], { retry })], { spool })
  const message = spool.put(envelope(hello), hello).envelope.queueId
  await until('it was deferred some times', () => facts('deferred').length >= 4)
  expect(facts('unreadable')).toEqual([[message, eio(message).message]])
  spool.isBad = false
  await until('it has left', () => spool.stored.size === 0)
  expect([facts('unexpected'), facts('bounced'), facts('unreadable').length]).toEqual([[], [], 1])
  expect(upstream.received).toHaveLength(1)
})

test('captured content that can not be read is told once, and captured when it can be read', async () => {
  const spool = new BadSpool()
  const { facts } = rig([], { spool })
  const message = spool.put(envelope(hello, { disposition: 'capture' }), hello).envelope.queueId
  await until('it was tried', () => facts('deferred').length >= 1)
  expect([facts('unreadable'), facts('unexpected')]).toEqual([[[message, eio(message).message]], []])
  spool.isBad = false
  await until('it is captured', () => spool.stored.size === 0)
})

test('content that could be read in between is told again', async () => {
  const upstream = await startSmarthost({ script: { MAIL: say('451 4.3.0 later') } })
  const spool = new BadSpool()
  const retry = { scheduleMs: [5], expireAfterMs: 86_400_000 }
  const { facts, attempts } = rig([route('r', [smarthost('a', upstream.port)], { retry })], { spool })
  spool.put(envelope(hello), hello)
  await until('it is told', () => facts('unreadable').length === 1)
  spool.isBad = false
  await until('the smarthost was asked', () => attempts.some((a) => a.outcome.reply.text === 'later'))
  spool.isBad = true
  await until('it is told again', () => facts('unreadable').length === 2)
})

function unread(spool: Partial<ConstructorParameters<typeof Unread>[0]['spool']> = {}) {
  const { events, told } = recordEvents()
  const mail = { has: () => true, fault: undefined, isFull: false, ...spool }
  const kinds = () => told.map(({ fact, arguments: [first] }) => `${fact} ${first}`)
  return { unread: new Unread({ spool: mail, events }, 'spool'), kinds }
}

test('another reason is told, and an error that is not of the disk is unexpected', () => {
  const { unread: mail, kinds } = unread()
  for (const error of [eio('A'), eio('A'), eio('A', 'ESTALE'), eio('A', 'ESTALE')]) mail.failed('A', error)
  mail.failed('B', eio('B'))
  mail.failed('B', new Error('of ours'))
  expect(kinds()).toEqual(['unreadable A', 'unreadable A', 'unreadable B', 'unexpected spool'])
})

test.each<[string, Parameters<typeof unread>[0], readonly string[]]>([
  ['was set aside', { has: () => false }, []],
  ['is on a disk that fails as a whole, as is told', { fault: 'EIO' }, []],
  ['is on a disk that is also full', { fault: 'full', isFull: true }, ['unreadable A']],
])('a message that %s is told where nothing else tells it', (_what, spool, expected) => {
  const { unread: mail, kinds } = unread(spool)
  mail.failed('A', eio('A'))
  mail.failed(undefined, eio('?'))
  expect(kinds()).toEqual(expected)
})

test('of very many messages that can not be read few are remembered', () => {
  const { unread: mail, kinds } = unread()
  for (let n = 0; n < 5000; n += 1) mail.failed(`${n}`, eio(`${n}`))
  for (const id of ['4999', '0']) mail.failed(id, eio(id))
  expect(kinds()).toHaveLength(5001)
  expect(kinds().at(-1)).toBe('unreadable 0')
})
