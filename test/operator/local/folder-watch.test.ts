/** A watch on folders notices each change, however it is made, and looks at intervals where the system gives no events. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { FolderWatch } from '../../../relay/folder-watch.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'

const never = 1_000_000

/** Stands for a system on which other programs of the same user have taken all watches. */
const system = vi.hoisted(() => ({ watchesNoMore: false }))
vi.mock(import('node:fs'), async (original) => {
  const real = await original()
  const watch = ((...args: Parameters<typeof real.watch>) => {
    if (system.watchesNoMore) throw new Error('EMFILE: too many open files, watch')
    return real.watch(...args)
  }) as typeof real.watch
  return { ...real, watch }
})

function watching(folder: string, everyMs = never) {
  let changes = 0
  const watch = new FolderWatch(() => {
    changes += 1
  }, everyMs)
  onTestFinished(() => watch.close())
  watch.watch([folder])
  return { watch, changes: () => changes }
}

test('a hundred files written in a row are told as one or two changes', async () => {
  const folder = temporaryFolder()
  const { changes } = watching(folder)
  for (let i = 0; i < 100; i += 1) writeFileSync(join(folder, `${i}.yaml`), 'a')
  await until('a change is told', () => changes() > 0)
  expect(changes()).toBeLessThanOrEqual(2)
})

test('a file that is replaced by a rename is noticed', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a.yaml'), 'a')
  const { changes } = watching(folder)
  writeFileSync(join(folder, '.a.yaml.swp'), 'b')
  renameSync(join(folder, '.a.yaml.swp'), join(folder, 'a.yaml'))
  await until('a change is told', () => changes() > 0)
})

test.each([
  ['replaced by another of its name', (folder: string) => renameSync(folder, `${folder}.old`)],
  [
    'deleted and made anew, though the system gave it the number of the old one',
    (folder: string) => rmSync(folder, { recursive: true }),
  ],
])('a folder that was %s is watched anew', async (_what, take) => {
  const folder = join(temporaryFolder(), 'yaml')
  mkdirSync(folder)
  const { watch, changes } = watching(folder)
  take(folder)
  mkdirSync(folder)
  await until('a change is told', () => changes() > 0)
  watch.watch([folder])
  const before = changes()
  writeFileSync(join(folder, 'a.yaml'), 'a')
  await until("the new folder's change is told", () => changes() > before)
})

test.each([
  ['itself', '.'],
  ['above it', 'teams'],
])('a folder behind a link %s that now leads elsewhere is noticed, and watched at its new place', async (_name, below) => {
  const root = temporaryFolder()
  for (const release of ['1', '2']) mkdirSync(join(root, release, 'teams'), { recursive: true })
  const link = join(root, 'current')
  symlinkSync('1', link)
  const folder = join(link, below)
  const { watch, changes } = watching(folder)
  symlinkSync('2', `${link}.new`)
  renameSync(`${link}.new`, link)
  await until('a change is told', () => changes() > 0)
  watch.watch([folder])
  const before = changes()
  writeFileSync(join(folder, 'a.yaml'), 'a')
  await until('the change at the new place is told', () => changes() > before)
})

test('without any event, a change is told at each interval', async () => {
  const folder = temporaryFolder()
  const { changes } = watching(folder, 20)
  rmSync(folder, { recursive: true })
  const before = changes()
  await until('two more changes are told', () => changes() > before + 1)
})

test('a folder that the system can not watch is looked at every second', async () => {
  system.watchesNoMore = true
  onTestFinished(() => {
    system.watchesNoMore = false
  })
  const { changes } = watching(temporaryFolder())
  await until('two changes are told', () => changes() > 1)
})
