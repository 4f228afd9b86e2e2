/** A ledger that is stopped tries for a while to write what could not be written, and nothing once that is over. */
import { expect, test } from 'vitest'
import { Ledger } from '../../../relay/delivery/ledger.ts'
import { track } from '../../../relay/delivery/tracked.ts'
import type { Outcome } from '../../../relay/mail/outcome.ts'
import { reply } from '../../../relay/mail/reply.ts'
import { until } from '../../local/until.ts'
import { policy } from '../policy.ts'
import { MemorySpool, pending } from './memory-spool.ts'
import { recordEvents } from './rig.ts'
import { envelope, hello } from './samples.ts'

const delivered: Outcome = { kind: 'delivered', reply: reply(250, '0.0', 'queued') }
const refused: Outcome = { kind: 'bounced', reply: reply(550, '1.1', 'no such user') }
const retry = { scheduleMs: [1000], expireAfterMs: 60_000 }

/** A ledger of messages that were delivered while the spool took nothing; `tries` counts what it has tried to write. */
async function behind(messages: number, repeatMs = 20, random = () => 0.5) {
  const spool = new MemorySpool()
  const counts = { tries: 0 }
  spool.before = () => void counts.tries++
  spool.broken.add('remove')
  const now = (): number => performance.now()
  const { events, told } = recordEvents()
  const ledger = new Ledger({
    spool,
    events,
    own: () => policy({}),
    wall: Date.now,
    now,
    timeOfDay: (at) => at,
    waitingSince: { look: () => {}, of: () => now(), atTheEarliest: () => now() },
    random,
    repeatMs,
    onComing: () => {},
    onRetry: () => {},
    onWritten: () => {},
    onGone: () => {},
    onDsn: () => {},
  })
  const settleOne = (recipients = 1, outcome = delivered): Promise<void> => {
    const forwardPaths = Array.from({ length: recipients }, (_, i) => `user${i}@example.net`)
    const { envelope: of } = spool.put(envelope(hello, { forwardPaths }), hello)
    const results = forwardPaths.map((_, recipient) => ({ recipient, outcome }))
    return ledger.settle(track(of, of.forwardPaths.map(pending)), results, retry)
  }
  for (let n = 0; n < messages; n += 1) await settleOne()
  expect(ledger.unwritten).toHaveLength(messages)
  return { spool, ledger, counts, settleOne, told }
}

test('while no DSN can be written, some ten thousand recipients wait for theirs in memory, however few messages they are of (case S14)', async () => {
  const { spool, ledger, settleOne } = await behind(0)
  spool.broken.add('commit')
  for (let n = 0; n < 12; n += 1) await settleOne(1000, refused)
  // The last two are still to be tried, as the spool knows them.
  expect(ledger.unwritten).toHaveLength(10)
  spool.broken.clear()
  await until('their DSNs are written', () => ledger.unwritten.length === 0)
  const left = [...spool.stored.values()].map(({ envelope: { reversePath, forwardPaths } }) => [
    reversePath,
    forwardPaths.length,
  ])
  expect(left.sort()).toEqual([...Array(10).fill(['', 1]), ['app@corp.test', 1000], ['app@corp.test', 1000]])
  // Those who were reported leave their room to others.
  spool.broken.add('commit')
  for (let n = 0; n < 12; n += 1) await settleOne(1000, refused)
  expect(ledger.unwritten).toHaveLength(10)
  await ledger.stop(0)
})

test('recipients of one message who are deferred together are due together, so that they share a transaction again', async () => {
  let dice = 0
  const { settleOne, told } = await behind(0, 20, () => {
    dice += 0.3
    return dice % 1
  })
  await settleOne(30, { kind: 'deferred', scope: 'recipient', reply: reply(450, '2.0', 'later') })
  const dueAt = told.filter(({ fact }) => fact === 'deferred').map(({ arguments: [, , at] }) => at)
  expect(dueAt).toHaveLength(30)
  expect(new Set(dueAt).size).toBe(1)
})

test('a ledger with nothing to write stops at once, however long it may take', async () => {
  const { ledger } = await behind(0)
  const began = performance.now()
  await ledger.stop(60_000)
  expect(performance.now() - began).toBeLessThan(5000)
})

test('a ledger whose spool takes nothing any more stops in its time, and tries until then', async () => {
  const { ledger, counts } = await behind(1, 60_000)
  const began = performance.now()
  await ledger.stop(600)
  expect(performance.now() - began).toBeGreaterThanOrEqual(600)
  expect(performance.now() - began).toBeLessThan(10_000)
  // One when it was delivered, and one each quarter of a second.
  expect(counts.tries).toBeGreaterThanOrEqual(3)
  expect(ledger.unwritten).toHaveLength(1)
})

test('what the spool takes while the ledger stops is written, and then it has stopped', async () => {
  const { ledger, spool, counts } = await behind(40, 60_000)
  const stopped = ledger.stop(60_000)
  await until('it has tried', () => counts.tries > 40)
  spool.broken.clear()
  await stopped
  expect([spool.stored.size, ledger.unwritten]).toEqual([0, []])
})

test('what is being written again when the ledger is to stop is told to be finished once, and not by either (case S27)', async () => {
  const { ledger, spool, counts, told } = await behind(40)
  const gate = Promise.withResolvers<void>()
  const before = counts.tries
  spool.broken.clear()
  spool.before = () => {
    counts.tries++
    return gate.promise
  }
  await until('it tries again', () => counts.tries > before)
  const stopped = ledger.stop(60_000)
  gate.resolve()
  await stopped
  const finished = told.filter(({ fact }) => fact === 'finished').map(({ arguments: [queueId] }) => queueId)
  expect([finished.length, new Set(finished).size, spool.stored.size]).toEqual([40, 40, 0])
})

test.each([
  ['of before', 3, 0],
  ['that comes later', 0, 3],
])('of what could not be written, %s, a ledger that has stopped tries nothing again, where one that goes on does', async (_when, before, after) => {
  const [stopped, other] = [await behind(before), await behind(3)]
  await stopped.ledger.stop(0)
  for (let n = 0; n < after; n += 1) await stopped.settleOne()
  const [tries, othersTries] = [stopped.counts.tries, other.counts.tries]
  await until('the other one tries again and again', () => other.counts.tries >= othersTries + 15)
  expect(stopped.counts.tries).toBe(tries)
  await other.ledger.stop(0)
})
