/** Of segments that somebody has renamed, copied, brought back or put together, mail that is ours is found, and none comes back untold. */
import { copyFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf } from './contents.ts'
import { filled, found } from './filled.ts'
import { listening } from './samples.ts'

test('a segment under a name with another nonce gives out no mail: its records carry the nonce of the old name', async () => {
  const spool = await filled()
  renameSync(spool.segment, join(spool.directory, 'journal', '0000000001-0011223344556677.log'))
  const { ids, setAside } = await found(spool, 2)
  expect(ids).toEqual([])
  expect(setAside).toContain('0000000001-0011223344556677.log')
})

test('segments of two spools in one folder give out the mail of both, though their numbers are the same', async () => {
  const [mine, other] = [await filled(), await filled()]
  for (const folder of ['journal', 'large']) {
    for (const name of readdirSync(join(other.directory, folder))) {
      renameSync(join(other.directory, folder, name), join(mine.directory, folder, name))
    }
  }
  const contents = new Map([...mine.contents, ...other.contents])
  const all = [...contents.keys()].toSorted()
  const { ids, told } = await found({ ...mine, contents })
  expect(told).toEqual(['recovered 6 swept 0'])
  expect(ids.toSorted()).toEqual(all)
  // It is so also when some of that mail has left.
  const spool = await openSpool({ directory: mine.directory, events: listening().events })
  for (const queueId of [mine.small, other.last]) await spool.remove(queueId)
  await spool.close()
  const left = all.filter((queueId) => queueId !== mine.small && queueId !== other.last)
  expect((await found({ ...mine, contents })).ids.toSorted()).toEqual(left)
})

test('a segment that was deleted, and that a backup brings back, is told, and so is each message in it, which may arrive twice', async () => {
  const spool = await filled()
  const backup = readFileSync(spool.segment)
  const second = await openSpool({ directory: spool.directory, events: listening().events })
  for (const queueId of spool.contents.keys()) await second.remove(queueId)
  await second.close()
  // The removals go with the segment that held them.
  const third = await openSpool({ directory: spool.directory, events: listening().events })
  const content = contentOf(60, 60)
  const staying = (await accept(third, content)).envelope.queueId
  spool.contents.set(staying, content)
  await until('what is dead is given back', () => readdirSync(join(spool.directory, 'journal')).length === 1)
  await third.close()
  await (await openSpool({ directory: spool.directory, events: listening().events })).close()
  writeFileSync(spool.segment, backup)
  writeFileSync(join(spool.directory, 'large', `${spool.large}.eml`), contentOf(140_000, 140_000))
  const { ids, told } = await found(spool)
  expect(ids).toEqual([spool.small, spool.large, spool.last, staying])
  expect(told).toEqual([
    expect.stringMatching(
      /^quarantined \/journal\/0000000001-.*: was given back before, or is of another spool: its mail may have left$/,
    ),
    `forgotten ${spool.small}`,
    `forgotten ${spool.large}`,
    `forgotten ${spool.last}`,
    'recovered 4 swept 0',
  ])
})

test.each([
  'newer',
  'older',
])('a copy of a segment under the number of a %s one brings no mail back: it is told and set aside (case S12)', async (which) => {
  const spool = await filled()
  const begin = () => openSpool({ directory: spool.directory, events: listening().events })
  const second = await begin()
  await second.remove(spool.small)
  await second.close()
  await (await begin()).close()
  const journal = join(spool.directory, 'journal')
  const [first = '', removing = ''] = readdirSync(journal).toSorted()
  const [from, copy] =
    which === 'newer'
      ? [first, first.replace(/^\d+/, '0000000007')]
      : [removing, removing.replace(/^\d+/, '0000000001')]
  copyFileSync(join(journal, from), join(journal, copy))
  const { ids, told, setAside } = await found(spool, 1)
  expect(ids).toEqual([spool.large, spool.last])
  expect(told).toEqual([`quarantined /journal/${copy}: is a copy of ${from}`, 'recovered 2 swept 0'])
  expect(setAside).toEqual([copy])
  // With the copy away, the next start finds the same.
  expect((await found(spool)).ids).toEqual([spool.large, spool.last])
})

test('a segment that was renamed to another number is read all the same, where no other one has its own name', async () => {
  const spool = await filled()
  renameSync(spool.segment, spool.segment.replace('/0000000001', '/0000000004'))
  expect((await found(spool)).ids).toEqual([spool.small, spool.large, spool.last])
})
