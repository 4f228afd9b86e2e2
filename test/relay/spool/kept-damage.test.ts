/** Damaged content that could not be set aside at once is kept, and set aside by a later start: it is never deleted. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening, octets } from './samples.ts'

async function open(directory: string, disk = nodeDisk, { events } = listening()) {
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  return JournalSpool.open({ directory, events, now: Date.now, disk, closed: () => {} })
}

const queueId = 'large00000'
const content = contentOf(1, 140_000)

test.each([
  ['other octets', Buffer.concat([content.subarray(1), Buffer.of(0)])],
  ['fewer octets', content.subarray(1)],
])('damaged content with %s that can not be set aside is not swept: the next start tries again, and keeps it', async (_what, damaged) => {
  const directory = temporaryFolder()
  const first = await open(directory)
  await accept(first, content, { queueId })
  await first.close()
  const path = join(directory, 'large', `${queueId}.eml`)
  writeFileSync(path, damaged)

  const failing = new FailingDisk()
  failing.failing.set('rename large', 'EIO')
  const told = listening()
  const second = await open(directory, failing.disk, told)
  await expect(octets(second.content(queueId))).rejects.toThrow(/is damaged or gone, and can not be set aside$/)
  await until('the content was to be set aside', () => failing.calls.includes('rename large'))
  // Segments that are not needed are deleted while others are written.
  for (let n = 0; n < 10; n += 1) await second.remove((await accept(second, contentOf(n, 10))).envelope.queueId)
  await second.close()
  expect(told.lines).toContainEqual(
    expect.stringMatching(/^quarantined .*can not be set aside: it stays in the queue$/),
  )
  expect(readFileSync(path).equals(damaged)).toBe(true)

  const third = await open(directory)
  await expect(octets(third.content(queueId))).rejects.toThrow()
  const aside = join(directory, 'quarantine', `${queueId}.eml`)
  await until('the content is set aside', () => existsSync(aside))
  await third.close()
  expect(readFileSync(aside).equals(damaged)).toBe(true)
  const fourth = await open(directory)
  expect([fourth.isEmpty, existsSync(path)]).toEqual([true, false])
  await fourth.close()
})

test('what a start can not set aside is told as that, with the reason', async () => {
  const directory = temporaryFolder()
  await (await open(directory)).close()
  const paths = ['journal', 'large'].map((folder) => join(directory, folder, 'notes.txt'))
  for (const path of paths) writeFileSync(path, 'notes')
  const failing = new FailingDisk()
  failing.failing.set('makeDirectory quarantine', 'EACCES')
  const told = listening()
  await (await open(directory, failing.disk, told)).close()
  const [inJournal, inLarge] = paths
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toEqual([
    `quarantined ${inJournal}: is no file of the journal`,
    `quarantined ${inLarge}: is no content, and can not be set aside: EACCES: told to fail, makeDirectory`,
    `quarantined ${inJournal}: can not be set aside: EACCES: told to fail, makeDirectory`,
  ])
  expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['notes', 'notes'])
})

test('a segment with damaged content that is not aside yet when the relay ends is set aside by the next one, and not deleted', async () => {
  const directory = temporaryFolder()
  const small = contentOf(2, 1000)
  const first = await open(directory)
  await accept(first, small, { queueId: 'damaged000' })
  await accept(first, contentOf(3, 1000), { queueId: 'sound00000' })
  await first.close()
  const [name = ''] = readdirSync(join(directory, 'journal'))
  const path = join(directory, 'journal', name)
  // A start checks the contents of the newest segment only: this one begins another, so that the damage is found at a later read.
  await (await open(directory)).close()
  const octetsThere = readFileSync(path)
  octetsThere.write('!', octetsThere.indexOf(small) + 20)
  writeFileSync(path, octetsThere)

  const failing = new FailingDisk()
  failing.failing.set('makeDirectory quarantine', 'EIO')
  const second = await open(directory, failing.disk)
  await expect(octets(second.content('damaged000'))).rejects.toThrow('damaged')
  expect(second.has('damaged000')).toBe(false)
  await second.close()

  const third = await open(directory)
  await expect(octets(third.content('damaged000'))).rejects.toThrow('damaged')
  expect(await octets(third.content('sound00000'))).toEqual(contentOf(3, 1000))
  await third.remove('sound00000')
  await until('nothing in the segment is needed', () => !existsSync(path))
  await third.close()
  expect(readFileSync(join(directory, 'quarantine', name)).equals(octetsThere)).toBe(true)
})

const openLosing = ({ disk }: LosingDisk) =>
  JournalSpool.open({ directory: '/spool', events: listening().events, now: Date.now, disk, closed: () => {} })

test.each<[string, 'journal' | 'large', (octets: Buffer) => Buffer]>([
  ['whose record is gone', 'journal', (octets) => Buffer.alloc(octets.length)],
  ['with fewer octets', 'large', (octets) => octets.subarray(1)],
  ['with other octets', 'large', (octets) => Buffer.from(octets).fill(1, 0, 10)],
])('content %s that was set aside is not swept after any loss of power either (case S10)', async (_what, folder, damage) => {
  const whole = new LosingDisk()
  const spool = await openLosing(whole)
  await accept(spool, content, { queueId })
  await spool.close()
  const files = new Map(whole.after(whole.deeds.length, { data: 'all', names: 'all', dice: () => 0 }))
  for (const [path, octets] of files) if (path.includes(`/${folder}/`)) files.set(path, damage(octets))
  const kept = files.get(`/spool/large/${queueId}.eml`) ?? Buffer.of()

  const first = new LosingDisk(files)
  const second = await openLosing(first)
  await octets(second.content(queueId)).catch(() => {})
  await second.close()
  for (let deeds = 0; deeds <= first.deeds.length; deeds += 1) {
    for (let seed = 0; seed < 20; seed += 1) {
      const lost = new LosingDisk(first.after(deeds, { data: 'all', names: 'some', dice: seededRandom(seed) }))
      await (await openLosing(lost)).close()
      const left = lost.after(lost.deeds.length, { data: 'all', names: 'all', dice: () => 0 })
      const isThere = [...left.values()].some((octets) => octets.equals(kept))
      expect(isThere, `after call ${deeds} of ${first.deeds.length}, seed ${seed}`).toBe(true)
    }
  }
})
