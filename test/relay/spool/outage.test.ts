/** In an outage a spool that its own mail has filled writes a state for each attempt, though nothing leaves that would make room. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import type { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft, messagesOf } from './contents.ts'
import { leave } from './fill.ts'
import { deferred, each, fillWithMail } from './outage.ts'
import { listening, type Told } from './samples.ts'
import { smallVolume, smallVolumesGiven } from './small-volume.ts'

const contentBytes = 2000

async function opened(size = '4m') {
  const directory = smallVolume(`size=${size}`)
  const told = listening()
  const open = () => openSpool({ directory: join(directory, 'spool'), events: told.events })
  return { directory, told, open, spool: await open() }
}

async function accepted(spool: JournalSpool, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n += 1) ids.push((await accept(spool, contentOf(n, contentBytes))).envelope.queueId)
  return ids
}

async function filled(recipients: number) {
  const { told, open, spool } = await opened()
  const forwardPaths = Array.from({ length: recipients }, (_, n) => `user${n}@customer.example`)
  const ids = await fillWithMail(spool, contentBytes, forwardPaths)
  return { spool, ids, open, told, forwardPaths }
}

const dsnOn = (queueId: string, forwardPaths: readonly string[], n: number) => ({
  queueId: `dsn${String(n).padStart(7, '0')}`,
  draft: { reversePath: '', forwardPaths: [draft.reversePath], reports: { queueId, forwardPaths } },
})

const broken = ({ lines }: Told): readonly string[] => lines.filter((line) => /ENOSPC|could not be/.test(line))

/** Tries again until there is room, as delivery does. */
async function untilTaken(deed: () => Promise<unknown>): Promise<void> {
  for (let refused = true; refused; ) {
    await deed().then(
      () => {
        refused = false
      },
      (error: unknown) => expect(error).toMatchObject({ kind: 'full' }),
    )
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function outage(spool: JournalSpool, ids: readonly string[], forwardPaths: readonly string[], rounds: number) {
  for (let round = 1; round <= rounds; round += 1) {
    await each(ids, (id) => spool.record(id, deferred(forwardPaths, round)))
  }
}

function shuffled(ids: readonly string[]): string[] {
  const dice = seededRandom(5)
  return ids
    .map((id) => ({ id, at: dice() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ id }) => id)
}

const orders: readonly (readonly [string, number, (ids: readonly string[]) => string[]])[] = [
  ['one recipient, the oldest first', 1, (ids) => [...ids]],
  ['one recipient, the newest first', 1, (ids) => ids.toReversed()],
  ['one recipient, in any order', 1, shuffled],
  ['50 recipients, the newest first', 50, (ids) => ids.toReversed()],
  ['50 recipients, in any order', 50, shuffled],
]

describe.runIf(smallVolumesGiven())('a spool that its own mail has filled, in an outage (case S14)', () => {
  test.each(
    orders,
  )('takes each attempt without an error, and drains without help: %s', async (_what, recipients, order) => {
    const { spool, ids, forwardPaths, open, told } = await filled(recipients)
    await outage(spool, ids, forwardPaths, 12)
    expect(broken(told)).toEqual([])
    const leaving = order(ids)
    await each(leaving.slice(0, ids.length / 2), (id) => spool.remove(id))
    // The other half leaves after a restart.
    await spool.close()
    const again = await open()
    expect(new Set((await messagesOf(again)).map((m) => m.envelope.queueId))).toEqual(
      new Set(leaving.slice(ids.length / 2)),
    )
    await each(leaving.slice(ids.length / 2), (id) => again.remove(id))
    await until('the spool takes mail again', () => again.fault === undefined, 5000)
    await accept(again, contentOf(1, contentBytes))
    await again.close()
    expect(broken(told)).toEqual([])
  })

  test.each([1, 50])('has room for the states of each attempt, however many: %d recipients', {
    timeout: 120_000,
  }, async (recipients) => {
    const { spool, ids, forwardPaths, open } = await filled(recipients)
    let running = spool
    for (let attempts = 1; attempts <= 6; attempts += 1) {
      // A state that comes while room is being made is not written, and is recorded again.
      let missing = ids
      for (let tries = 0; missing.length > 0; tries += 1) {
        expect(tries).toBeLessThan(200)
        await each(missing, (id) => running.record(id, deferred(forwardPaths, attempts)))
        await running.close()
        running = await open()
        const behind = (await messagesOf(running)).filter((m) => m.recipients.some((r) => r.attempts < attempts))
        missing = behind.map((m) => m.envelope.queueId)
      }
    }
    await running.close()
  })

  test('claims no more of the volume while its mail is tried, and nothing when it is empty', async () => {
    const { spool, ids, forwardPaths, open } = await filled(50)
    const before = spool.claimed
    expect(before).toBeGreaterThan(spool.bytes + ids.length * 2 * JSON.stringify(deferred(forwardPaths, 1)).length)
    await outage(spool, ids, forwardPaths, 3)
    expect(spool.claimed).toBeLessThanOrEqual(1.02 * before)
    await spool.close()
    const again = await open()
    expect(again.claimed).toBeLessThanOrEqual(1.02 * before)
    await each(ids, (id) => again.remove(id))
    expect(again.claimed).toBe(0)
    await again.close()
  })

  test('opens though it is full, goes on, and drains', async () => {
    const { spool, ids, forwardPaths, open, told } = await filled(50)
    await outage(spool, ids, forwardPaths, 6)
    await spool.close()
    const again = await open()
    expect(await messagesOf(again)).toHaveLength(ids.length)
    await outage(again, ids, forwardPaths, 6)
    await each(ids, (id) => again.remove(id))
    await until('the spool takes mail again', () => again.fault === undefined, 5000)
    await again.close()
    expect(broken(told)).toEqual([])
  })

  test('gives back the room of mail that has left, though mail that stays is scattered among it', async () => {
    const { spool, ids, forwardPaths } = await filled(1)
    await outage(spool, ids, forwardPaths, 3)
    const stays = (_: string, n: number) => n % 10 === 0
    await each(
      ids.filter((id, n) => !stays(id, n)),
      (id) => spool.remove(id),
    )
    await until('the spool takes mail again', () => spool.fault === undefined, 5000)
    expect((await messagesOf(spool)).map((m) => m.envelope.queueId)).toEqual(ids.filter(stays))
    await spool.close()
  })

  test('writes no deferrals with little room left, but deliveries, DSNs and removals', async () => {
    const { directory, spool, open, told } = await opened()
    const [deferredOne = '', deliveredOne = '', leaving = '', reported = ''] = await accepted(spool, 4)
    const { forwardPaths } = draft
    // So many are too few for a state, and enough for a DSN.
    leave(directory, 150_000)
    await until('the lack of room is noticed', () => spool.fault !== undefined)
    await spool.record(deferredOne, deferred(forwardPaths, 3))
    expect(spool.outline(spool.handleOf(deferredOne) ?? -1)?.dueAt).toBe(draft.acceptedAt + 3)
    // As long as the relay runs the deferral is known all the same, so that the next one is longer.
    const known = await spool.load(spool.handleOf(deferredOne) ?? -1)
    expect(known?.recipients).toEqual(deferred(forwardPaths, 3))
    const delivered = deferred(forwardPaths, 3).map((r, n) => (n === 1 ? { ...r, state: 'delivered' as const } : r))
    await spool.record(deliveredOne, delivered)
    await spool.remove(leaving)
    await accept(spool, contentOf(2, 3000), dsnOn(reported, forwardPaths, 1))
    await spool.close()
    const again = await open()
    expect((await messagesOf(again)).map((m) => [m.envelope.queueId, ...m.recipients.map((r) => r.attempts)])).toEqual([
      [deferredOne, 0, 0],
      [deliveredOne, 3, 3],
      ['dsn0000001', 0],
    ])
    await again.close()
    expect(broken(told)).toEqual([])
  })

  test('refuses a large DSN that would take the room that is left for removals', async () => {
    const { directory, spool, told } = await opened()
    const [reported = '', ...leaving] = await accepted(spool, 120)
    leave(directory, 180_000)
    await until('the lack of room is noticed', () => spool.fault !== undefined)
    const incoming = await spool.receive(dsnOn(reported, draft.forwardPaths, 1).queueId)
    const written = await incoming.write(contentOf(2, 170_000)).catch((error: unknown) => error)
    await each(leaving, (id) => spool.remove(id))
    expect(written).toMatchObject({ kind: 'full' })
    await incoming.abort()
    await spool.close()
    expect(broken(told)).toEqual([])
  })

  test('takes a DSN on a message that is given up, so that the message can leave', async () => {
    const { spool, ids, forwardPaths } = await filled(1)
    await outage(spool, ids, forwardPaths, 12)
    await expect(accept(spool, contentOf(1, contentBytes))).rejects.toMatchObject({ kind: 'full' })
    for (const [n, queueId] of ids.entries()) {
      const dsn = dsnOn(queueId, forwardPaths, n)
      await untilTaken(() => accept(spool, contentOf(2, contentBytes + 1500), dsn))
      await Promise.all([spool.remove(queueId), spool.remove(dsn.queueId)])
    }
    await until('the spool takes mail again', () => spool.fault === undefined, 5000)
    await spool.close()
  })

  test('takes a DSN on each, too, where one commit held more than half of all', async () => {
    const { spool } = await opened('8m')
    const accepting = Array.from({ length: 60 }, () => accept(spool, contentOf(1, smallBytes)))
    const taken = (await Promise.allSettled(accepting)).flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []))
    const ids = taken.map(({ envelope }) => envelope.queueId)
    expect(ids.length).toBeGreaterThan(30)
    // None can leave before it is reported, and none makes room before it leaves.
    for (const [n, queueId] of ids.entries())
      await accept(spool, contentOf(2, 3500), dsnOn(queueId, draft.forwardPaths, n))
    await each(ids, (id) => spool.remove(id))
    await until('the spool takes mail again', () => spool.fault === undefined, 5000)
    await spool.close()
  })
})
