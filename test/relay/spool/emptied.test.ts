/** A journal that gave its last segment back to a full volume is empty, and no damage: whenever a crash comes, nothing is set aside. */
import { expect, test } from 'vitest'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf } from './contents.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening } from './samples.ts'

async function opened(losing: LosingDisk) {
  const told = listening()
  const parts = { directory: '/spool', now: Date.now, segmentBytes: 64 * 1024, tryAgainMs: 20, closed: () => {} }
  return { told, spool: await JournalSpool.open({ ...parts, disk: losing.disk, events: told.events }) }
}

/** What a loss of power leaves of the data and of the names. */
const lucks = [
  ...[['none', 'none'] as const, ['none', 'all'] as const, ['all', 'none'] as const, ['all', 'all'] as const],
  ...Array.from({ length: 4 }, () => ['some', 'some'] as const),
]

const segmentsOf = (losing: LosingDisk): readonly string[] => losing.paths.filter((path) => path.endsWith('.log'))

test('a full volume has the room of the last segment back, and a crash at any call of that, and of what follows, is no damage (cases S10, S14)', async () => {
  const losing = new LosingDisk()
  losing.octets = { all: 2_000_000, others: 0 }
  const { spool } = await opened(losing)
  const { queueId } = (await accept(spool, contentOf(1, 40_000))).envelope
  await spool.remove(queueId)
  const coming = await spool.receive()
  await coming.write(contentOf(2, 200_000))
  const before = losing.deeds.length
  losing.octets.others = 2_000_000
  await expect(accept(spool, contentOf(3, 300))).rejects.toMatchObject({ kind: 'full' })
  await until('the last segment has given its room back', () => segmentsOf(losing).length === 0)
  await until('it holds none', async () => (await losing.disk.size('/spool/journal/emptied')) === 0)
  await coming.abort()
  losing.octets.others = 0
  await until('the spool takes mail again', () => spool.fault === undefined)
  const after = (await accept(spool, contentOf(4, 300))).envelope.queueId
  expect(losing.paths).not.toContain('/spool/journal/emptied')
  const all = losing.deeds.length
  await spool.close()
  const dice = seededRandom(14)
  for (let deeds = before; deeds <= all; deeds += 1) {
    const left = [
      losing.killedAfter(deeds),
      ...lucks.map(([data, names]) => losing.after(deeds, { data, names, dice })),
    ]
    for (const files of left) {
      const { spool, told } = await opened(files instanceof LosingDisk ? files : new LosingDisk(files))
      const damage = told.lines.filter((line) => line.startsWith('quarantined') || line.startsWith('forgotten'))
      expect(damage, `after call ${deeds} of ${all}`).toEqual([])
      const found = (await messagesOf(spool)).map(({ envelope }) => envelope.queueId)
      if (deeds === all) expect(found, 'the message that was taken').toEqual([after])
      await spool.close()
    }
  }
})
