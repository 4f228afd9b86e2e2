import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LastGood } from '../../relay/last-good.ts'
import type { Loaded } from '../../relay/load.ts'
import { baseConfig } from './inbound/submission-under-test.ts'
import { diceOf } from './spool/dice.ts'
import { LosingDisk } from './spool/losing-disk.ts'

const loaded = (hash: string, files: number): Loaded => ({
  config: baseConfig,
  hash,
  files: new Map(Array.from({ length: files }, (_, n) => [`secret-${n}`, 'x'.repeat(700)])),
  stale: [],
})

/** What a relay that starts after that finds, or why it can not. */
function found(files: ReadonlyMap<string, Buffer>): string {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-last-good-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, octets] of files) writeFileSync(join(folder, basename(path)), octets)
  try {
    return new LastGood(folder).load().hash
  } catch (error) {
    return `${(error as Error).message}, in ${readdirSync(folder)}`
  }
}

test('whatever a loss of power leaves, there is the configuration of before or the new one, whole (case S10)', async () => {
  const losing = new LosingDisk()
  const lastGood = new LastGood('/data', losing.disk)
  await lastGood.keep(loaded('first', 5))
  const first = losing.deeds.length
  await lastGood.keep(loaded('second', 3))
  const dice = diceOf(7)
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
