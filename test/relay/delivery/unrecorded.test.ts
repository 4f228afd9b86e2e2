/** While the spool can write nothing each route stops soon, and goes on by itself when it can; a crash repeats few attempts. */
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createDelivery } from '../../../relay/delivery/delivery.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { FailingDisk } from '../spool/failing-disk.ts'
import { idsIn } from './attempts-file.ts'
import { say } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { oneSmarthost, recordEvents, rig } from './rig.ts'
import { envelope, hello, loadedWith, route, smarthost } from './samples.ts'
import { type Smarthost, startSmarthost } from './smarthost.ts'

/** How many outcomes of a route may be unrecorded; attempts under way when the first write fails come on top of that. */
const bound = 20
const connections = 5
/** The connections of a smarthost that sets no number of them. */
const connectionsAtMost = 20

/** Two routes, each to a smarthost of its own; the spool is on a disk that a test can let fail. */
async function relay(directory: string, smarthosts: readonly [Smarthost, Smarthost], repeatMs = 20) {
  const { events, told } = recordEvents()
  const failing = new FailingDisk()
  for (const name of ['journal', 'large', 'quarantine', 'inbox']) mkdirSync(join(directory, name), { recursive: true })
  const parts = { directory, events, now: Date.now, disk: failing.disk, tryAgainMs: 20, closed: () => {} }
  const spool = await JournalSpool.open(parts)
  const [a, b] = smarthosts.map(({ port }, i) => smarthost(`s${i}`, port, { maxConnections: connections }))
  const toA = { match: { senderDomains: [], recipientDomains: ['a.test'] } }
  const loaded = loadedWith([route('a', a ? [a] : [], toA), route('b', b ? [b] : [])])
  const attemptsFile = join(directory, 'open-attempts')
  const inboxDirectory = join(directory, 'inbox')
  const delivery = createDelivery({ spool, events, loaded: () => loaded, inboxDirectory, attemptsFile, repeatMs })
  onTestFinished(async () => {
    failing.failing.clear()
    await delivery.close(0)
    await spool.close()
  })
  const submit = async (rest: Partial<Envelope>): Promise<string> => {
    const incoming = await spool.receive()
    await incoming.write(hello)
    const { queueId: _, bytes: __, ...sample } = envelope(hello, rest)
    return (await incoming.commit(sample)).envelope.queueId
  }
  return {
    spool,
    delivery,
    failing,
    submit,
    mails: () => [...spool.handles()].length,
    queued() {
      const { ready, deferred, inFlight } = delivery.summary()
      return ready + deferred + inFlight
    },
    open: () => idsIn(attemptsFile).toSorted(),
    interrupted: () => told.filter(({ fact }) => fact === 'interrupted').map((t) => String(t.arguments[0])),
    delivered: () => told.filter(({ fact }) => fact === 'attempted').map((t) => (t.arguments[0] as Envelope).queueId),
    /** Waits until a new journal was tried in vain some times: by then a route that would go on has gone on. */
    async triedInVain() {
      const tries = (): number => failing.calls.filter((call) => call === 'create journal').length
      const before = tries()
      await until('the disk is tried again', () => tries() >= before + 10)
    },
  }
}
const startTwo = async () => [await startSmarthost(), await startSmarthost()] as const
const rcptOf = (all: readonly Smarthost[]): string[] =>
  all.flatMap(({ received }) => received.flatMap(({ rcpt }) => rcpt)).toSorted()

const each = 150
async function filled(smarthosts: readonly [Smarthost, Smarthost], repeatMs?: number) {
  const directory = temporaryFolder()
  const filling = await relay(directory, smarthosts, repeatMs)
  const paths = Array.from({ length: 2 * each }, (_, n) => `u${n}@${n % 2 === 0 ? 'a' : 'b'}.test`)
  await Promise.all(paths.map((path) => filling.submit({ forwardPaths: [path] })))
  return { directory, paths: paths.map((path) => `RCPT TO:<${path}>`).toSorted(), ...filling }
}

test.each([
  ['write journal', 'ENOSPC'],
  ['sync journal', 'EIO'],
])('%s fails with %s: each route stops, and goes on when the disk is back; a kill meanwhile repeats few deliveries, which are counted (cases S04, S14, S16)', async (call, code) => {
  const smarthosts = await startTwo()
  const first = await filled(smarthosts)
  first.failing.failing.set(call, code)
  first.delivery.start()
  await until('the routes are behind', () => smarthosts.every(({ received }) => received.length >= bound))
  await first.triedInVain()
  for (const { received } of smarthosts) expect(received.length).toBeLessThanOrEqual(bound + connections)
  const sent = first.delivered().toSorted()
  expect(sent).toHaveLength(rcptOf(smarthosts).length)
  expect(first.mails()).toBe(2 * each)
  expect(first.queued()).toBe(2 * each)
  expect(first.open()).toEqual(sent)

  // The folder as a kill leaves it, and the next process on it. Files of segments that are being begun (.tmp) come and go.
  const killed = temporaryFolder()
  cpSync(first.directory, killed, { recursive: true, filter: (path) => !path.endsWith('.tmp') })
  const later = await startTwo()
  const second = await relay(killed, later)
  second.delivery.start()
  await until('all are delivered', () => second.mails() === 0)
  expect(rcptOf(later)).toEqual(first.paths)
  expect(second.interrupted().toSorted()).toEqual(sent)

  first.failing.failing.clear()
  await until('all are delivered', () => first.mails() === 0)
  expect(rcptOf(smarthosts)).toEqual(first.paths)
  await until('no attempt is open', () => first.open().length === 0)
  expect(first.queued()).toBe(0)
})

test('a relay that is to end while nothing can be written does so, and what it could not record stays in the file of open attempts', async () => {
  const smarthosts = await startTwo()
  const { failing, delivery, open, delivered, submit } = await relay(temporaryFolder(), smarthosts)
  const queueId = await submit({ forwardPaths: ['u@a.test'] })
  failing.failing.set('write journal', 'EIO')
  delivery.start()
  await until('the message is delivered', () => delivered().length === 1)
  await delivery.close(60_000)
  expect(open()).toEqual([queueId])
})

test('a relay that is to end when the disk is just back records what it has delivered (case S27)', async () => {
  const smarthosts = await startTwo()
  const { failing, delivery, mails, open, delivered } = await filled(smarthosts, 60_000)
  failing.failing.set('write journal', 'EIO')
  delivery.start()
  await until('the routes are behind', () => smarthosts.every(({ received }) => received.length >= bound))
  failing.failing.clear()
  await delivery.close(60_000)
  expect(mails()).toBe(2 * each - delivered().length)
  expect(open()).toEqual([])
})

test('DSNs that find no room keep no route from going on, and their originals count as in flight', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('550 5.1.1 no') } })
  const spool = new MemorySpool()
  spool.broken.add('receive')
  const { attempted, delivery } = rig(oneSmarthost(upstream.port), { spool, repeatMs: 20 })
  for (let n = 0; n < 3 * bound; n++) spool.put(envelope(hello), hello)
  await attempted(3 * bound)
  await until('none is under way', () => delivery.summary().ready === 0 && delivery.summary().inFlight === 3 * bound)
  spool.broken.clear()
  await until('the reports are given up', () => spool.stored.size === 0)
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 0, inFlight: 0 })
})

test('however many DSNs find no room, few originals are kept in memory, and few reports are made in vain (case S14)', {
  timeout: 90_000,
}, async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('550 5.1.1 no') } })
  const spool = new MemorySpool()
  spool.broken.add('receive')
  let [made, most, rounds] = [0, 0, 0]
  spool.before = (operation) => {
    if (operation === 'receive') made += 1
  }
  const all = 1500
  const { attempted, delivery, facts } = rig(oneSmarthost(upstream.port), { spool, repeatMs: 20 })
  for (let n = 0; n < all; n++) spool.put(envelope(hello), hello)
  await attempted(all)
  await until('none is under way', () => delivery.summary().ready === 0)
  const { inFlight, deferred } = delivery.summary()
  expect(inFlight).toBeLessThanOrEqual(1000 + 2 * connectionsAtMost)
  expect(inFlight + deferred).toBe(all)
  expect(facts('bounced')).toHaveLength(inFlight)
  for (made = 0; rounds < 20; rounds += 1) {
    const before = made
    await until('the reports are made again', () => made > before)
    most = Math.max(most, made - before)
  }
  expect(most).toBeLessThanOrEqual(bound)
  spool.broken.clear()
  await until('the reports are given up', () => spool.stored.size === deferred)
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred, inFlight: 0 })
})

test('captures stop, too, while the spool cannot remove what was captured', async () => {
  const spool = new MemorySpool()
  spool.broken.add('remove')
  let tries = 0
  spool.before = (operation) => {
    if (operation === 'remove') tries += 1
  }
  const { facts, delivery } = rig(oneSmarthost(1), { spool, repeatMs: 20 })
  for (let n = 0; n < 100; n++) spool.put(envelope(hello, { disposition: 'capture' }), hello)
  await until('the removal was tried again and again', () => tries > 200)
  const captured = facts('captured').length
  expect(captured).toBeLessThanOrEqual(bound)
  expect(delivery.summary()).toMatchObject({ ready: 100 - captured, deferred: 0, inFlight: captured })
  spool.broken.clear()
  await until('all are captured', () => spool.stored.size === 0)
  expect(facts('captured')).toHaveLength(100)
})
