/** The last good configuration outlives a loss of power, a full disk and a disk that hangs, and one that can not be used is told. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LastGood } from '../../relay/last-good.ts'
import type { Loaded } from '../../relay/load.ts'
import type { Disk } from '../../relay/spool/disk.ts'
import { seededRandom } from '../local/seeded-random.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { baseConfig } from './inbound/submission-under-test.ts'
import { LosingDisk } from './spool/losing-disk.ts'
import { smallVolume, smallVolumesGiven } from './spool/small-volume.ts'

const loaded = (hash: string, files: number): Loaded => ({
  config: baseConfig,
  hash,
  files: new Map(Array.from({ length: files }, (_, n) => [`secret-${n}`, 'x'.repeat(700)])),
  stale: new Map(),
})

/** The hash of the configuration that a relay finds which starts with these files, or why it finds none. */
function found(files: ReadonlyMap<string, Buffer>): string {
  const folder = temporaryFolder()
  for (const [path, octets] of files) writeFileSync(join(folder, basename(path)), octets)
  try {
    return new LastGood(folder).load().hash
  } catch (error) {
    return `${(error as Error).message}, in ${readdirSync(folder)}`
  }
}

test('whatever a loss of power leaves, the configuration of before or the new one is there, whole (case S10)', async () => {
  const losing = new LosingDisk()
  const lastGood = new LastGood('/data', losing.disk)
  await lastGood.keep(loaded('first', 5))
  const first = losing.deeds.length
  await lastGood.keep(loaded('second', 3))
  const dice = seededRandom(7)
  const lucks = (['none', 'some', 'all'] as const).flatMap((data) =>
    (['none', 'some', 'all'] as const).map((names) => ({ data, names, dice })),
  )
  for (const luck of lucks) {
    for (let deeds = first; deeds < losing.deeds.length; deeds += 1) {
      expect(['first', 'second'], JSON.stringify({ deeds, ...luck })).toContain(found(losing.after(deeds, luck)))
    }
    expect(found(losing.after(losing.deeds.length, luck)), JSON.stringify(luck)).toBe('second')
  }
})

test('a configuration that was kept is found with all its files, and is told as running for want of a good one', async () => {
  const folder = temporaryFolder()
  const good = loaded('good', 2)
  await new LastGood(folder).keep(good)
  const stale = new Map([['relay.json', 'it was not good when this relay started']])
  expect(new LastGood(folder).load()).toEqual({ ...good, stale })
})

/** Makes a sparse file of 100 MiB, as file systems leave them whose own records are damaged. */
function grown(file: string): void {
  writeFileSync(file, '{"hash":"x","config":{},"files":{}}')
  truncateSync(file, 100 * 1024 * 1024)
}

test.each([
  ['is not there', () => {}, 'there is no last good one'],
  ['is damaged', (file: string) => writeFileSync(file, '{"files":{"key": secret'), 'can not be used: it is no JSON'],
  [
    'is no configuration',
    (file: string) => writeFileSync(file, '{"hash":"x","config":{},"files":{}}'),
    'can not be used',
  ],
  ['can not be read', (file: string) => mkdirSync(file), 'can not be used: EISDIR'],
  ['is larger than any configuration', grown, 'can not be used: it has 104857600 octets'],
  ['is a pipe', (file: string) => execFileSync('mkfifo', [file]), 'can not be used: it is no file'],
  ['is a device', (file: string) => symlinkSync('/dev/zero', file), 'can not be used: it is no file'],
])('a last good configuration that %s is refused with the name of its file and what is wrong with it', (_what, make, why) => {
  const folder = temporaryFolder()
  const file = join(folder, 'last-good.json')
  make(file)
  const load = () => new LastGood(folder).load()
  expect(load).toThrow(why)
  expect(load).toThrow(file)
})

test('a disk that hangs keeps no later configuration waiting, and the last one is written when it answers (case S20)', async () => {
  const losing = new LosingDisk()
  const hung = Promise.withResolvers<void>()
  const disk: Disk = {
    ...losing.disk,
    create: async (path) => {
      await hung.promise
      return losing.disk.create(path)
    },
  }
  const lastGood = new LastGood('/data', disk, 1)
  const [first, second] = [loaded('first', 1), loaded('second', 1)]
  await expect(lastGood.keep(first)).rejects.toThrow('/data/last-good.json is not written yet')
  await expect(lastGood.keep(second)).rejects.toThrow('/data/last-good.json is not written yet')
  hung.resolve()
  const kept = () => lastGood.keep(second).then(String, () => 'not yet')
  await expect.poll(kept).toBe('undefined')
  const luck = { data: 'all', names: 'all', dice: seededRandom(7) } as const
  expect(found(losing.after(losing.deeds.length, luck))).toBe('second')
})

test('of configurations that come while one is written the last one is written behind it, and never two at a time', async () => {
  const losing = new LosingDisk()
  const begun = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const writing = { now: 0, most: 0, times: 0 }
  const disk: Disk = {
    ...losing.disk,
    create: async (path) => {
      writing.times += 1
      writing.most = Math.max(writing.most, ++writing.now)
      begun.resolve()
      await goOn.promise
      return losing.disk.create(path)
    },
    rename: async (from, to) => {
      writing.now -= 1
      await losing.disk.rename(from, to)
    },
  }
  const lastGood = new LastGood('/data', disk)
  const first = lastGood.keep(loaded('first', 1))
  await begun.promise
  const others = ['second', 'third'].map((hash) => lastGood.keep(loaded(hash, 1)))
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve))
  goOn.resolve()
  await Promise.all([first, ...others])
  expect(writing).toEqual({ now: 0, most: 1, times: 2 })
  const luck = { data: 'none', names: 'none', dice: seededRandom(7) } as const
  expect(found(losing.after(losing.deeds.length, luck))).toBe('third')
})

test('a configuration that could not be written is written when it is asked for again', async () => {
  const losing = new LosingDisk()
  let fails = true
  const disk: Disk = {
    ...losing.disk,
    create: (path) => (fails ? Promise.reject(new Error('EIO')) : losing.disk.create(path)),
  }
  const lastGood = new LastGood('/data', disk)
  const one = loaded('one', 1)
  await expect(lastGood.keep(one)).rejects.toThrow('/data/last-good.json can not be written: EIO')
  fails = false
  await lastGood.keep(one)
  const luck = { data: 'none', names: 'none', dice: seededRandom(7) } as const
  expect(found(losing.after(losing.deeds.length, luck))).toBe('one')
})

describe.runIf(smallVolumesGiven())('on a volume with less room than a configuration takes', () => {
  test('a copy that could not be written is removed, and its room is left to the mail (case S14)', async () => {
    const data = smallVolume('size=1m')
    const lastGood = new LastGood(data)
    await lastGood.keep(loaded('first', 5))
    await expect(lastGood.keep(loaded('second', 3000))).rejects.toThrow('ENOSPC')
    expect(readdirSync(data)).toEqual(['last-good.json'])
    expect(lastGood.load().hash).toBe('first')
  })
})
