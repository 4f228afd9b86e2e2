/** The last use of each key is known to the minute, survives a kill, and is forgotten with the key. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeyUses } from '../../../relay/keys/key-uses.ts'
import { openKeyUsesFile } from '../../../relay/keys/key-uses-file.ts'
import { credential, policy } from '../policy.ts'

const noon = Date.parse('2026-11-25T12:00:00Z')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relayfleet-key-uses-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const key = (id: string) => ({ id, verifier: `sha256:${id}` })
const config = (...ids: readonly string[]) =>
  policy({ credentials: [credential({ name: 'team/app', keys: ids.map(key) })] })
const path = () => join(folder, 'key-uses')
const lines = (): number => readFileSync(path(), 'utf8').split('\n').length - 1

/** A relay that starts: it begins with what is in the folder. */
function relay(wall = noon) {
  const clock = { now: wall, setBy: 0 }
  const troubles: string[] = []
  const file = openKeyUsesFile(path(), (why) => troubles.push(why))
  return {
    written: () => file.written,
    uses: new KeyUses({ file, wall: () => clock.now + clock.setBy, monotonic: () => clock.now }),
    clock,
    troubles,
  }
}

const use = (id: string, at: string, client = '192.0.2.7') => ({ name: 'team/app', key: id, at, client })

test('each key has its last use, and a key that was never used has none', () => {
  const { uses, clock } = relay()
  uses.note('team/app', 'k1', '192.0.2.7')
  clock.now += 1500
  uses.note('team/app', 'k1', '2001:db8::7')
  expect(uses.usage(config('k1', 'k2'))).toEqual([use('k1', '2026-11-25T12:00:01.500Z', '2001:db8::7')])
})

test('after a kill the last use of a key is known to the minute, and after an end in order exactly', async () => {
  const killed = relay()
  for (let i = 0; i < 100; i++) {
    killed.uses.note('team/app', 'k1', '192.0.2.7')
    await killed.written()
    killed.clock.now += 1000
  }
  expect(lines()).toBe(2)
  const next = relay(noon + 500_000)
  expect(next.uses.usage(config('k1'))).toEqual([use('k1', '2026-11-25T12:01:00.000Z')])
  next.uses.note('team/app', 'k1', '192.0.2.9')
  next.clock.now += 7000
  next.uses.note('team/app', 'k1', '192.0.2.9')
  await next.uses.close()
  const last = relay(noon + 600_000)
  expect(last.uses.usage(config('k1'))).toEqual([use('k1', '2026-11-25T12:08:27.000Z', '192.0.2.9')])
})

test('a use after a long rest is written down at once', async () => {
  const { uses, clock, written } = relay()
  uses.note('team/app', 'k1', '192.0.2.7')
  clock.now += 86_400_000
  uses.note('team/app', 'k1', '192.0.2.7')
  await written()
  expect(relay(clock.now).uses.usage(config('k1'))).toEqual([use('k1', '2026-11-26T12:00:00.000Z')])
})

const tenYears = 315_360_000_000

test.each([
  ['ahead', tenYears],
  ['behind', -tenYears],
])('a key that was used while the clock was ten years %s is told as used as long ago as it was (cases A12, S23)', async (_name, setBy) => {
  const { uses, clock } = relay()
  clock.setBy = setBy
  uses.note('team/app', 'k1', '192.0.2.7')
  clock.now += 3_600_000
  expect(uses.usage(config('k1'))).toEqual([use('k1', new Date(noon + setBy).toISOString())])
  clock.setBy = 0
  expect(uses.usage(config('k1'))).toEqual([use('k1', '2026-11-25T12:00:00.000Z')])
  await uses.close()
  expect(relay(noon + 7_200_000).uses.usage(config('k1'))).toEqual([use('k1', '2026-11-25T12:00:00.000Z')])
})

test('a use that a killed relay noted while its clock was ahead is told as one before the next start, and not as one to come', async () => {
  const killed = relay()
  killed.clock.setBy = tenYears
  killed.uses.note('team/app', 'k1', '192.0.2.7')
  await killed.written()
  const { uses, clock } = relay(noon + 60_000)
  for (clock.now of [noon + 60_000, noon + 86_400_000])
    expect(uses.usage(config('k1'))).toEqual([use('k1', '2026-11-25T12:01:00.000Z')])
})

test('the use of a key that leaves the configuration is forgotten, also when the key comes back', () => {
  const { uses } = relay()
  uses.note('team/app', 'k1', '192.0.2.7')
  uses.note('team/app', 'k2', '192.0.2.7')
  expect(uses.usage(config('k2')).map((u) => u.key)).toEqual(['k2'])
  expect(uses.usage(config('k1', 'k2')).map((u) => u.key)).toEqual(['k2'])
})

test.each([
  '192.0.2.7',
  '2001:db8::7',
  'fe80::5%br-0a1b2c3d4e5f',
  'fe80::5%eth0.5',
])('a use from %s outlives a restart (case A12)', async (client) => {
  const before = relay()
  before.uses.note('team/app', 'k1', client)
  await before.uses.close()
  const next = relay()
  expect(next.troubles).toEqual([])
  expect(next.uses.usage(config('k1'))).toEqual([use('k1', '2026-11-25T12:00:00.000Z', client)])
})

test('a line that was cut short is told, and the other lines count', async () => {
  const first = relay()
  first.uses.note('team/app', 'k1', '192.0.2.7')
  await first.written()
  appendFileSync(path(), 'team/app k2 17')
  const next = relay()
  expect(next.uses.usage(config('k1', 'k2')).map((u) => u.key)).toEqual(['k1'])
  expect(next.troubles).toEqual([expect.stringContaining('1 lines can not be read')])
})

test('a disk that takes no write is told once, and the uses of keys are known all the same', async () => {
  rmSync(folder, { recursive: true })
  const { uses, troubles, clock, written } = relay()
  for (let i = 0; i < 5; i++) {
    uses.note('team/app', 'k1', '192.0.2.7')
    clock.now += 120_000
  }
  await written()
  expect(troubles).toEqual([expect.stringContaining('ENOENT')])
  expect(uses.usage(config('k1'))).toHaveLength(1)
})
