/** A spool keeps every promise in whatever state a loss of power, or a kill, leaves its disk. */
import { expect, test } from 'vitest'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { messagesOf } from './contents.ts'
import { LosingDisk, type Luck } from './losing-disk.ts'
import { listening } from './samples.ts'
import { broken, type Line, live } from './scenario.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const statesWanted = long ? 60_000 : 3_000
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_123)

const open = (losing: LosingDisk, told = listening()) => {
  const parts = { directory: '/spool', events: told.events, now: Date.now, disk: losing.disk, closed: () => {} }
  return JournalSpool.open(parts)
}

/** A life on the disk, and how many deeds were done when each line was said. */
async function lived(losing: LosingDisk) {
  const lines: { readonly line: Line; readonly deeds: number }[] = []
  const spool = await open(losing)
  await live(spool, (line) => lines.push({ line, deeds: losing.deeds.length }))
  await spool.close()
  return lines
}

const lucks = (dice: () => number): readonly Luck[] => [
  { data: 'none', names: 'none', dice },
  { data: 'all', names: 'none', dice },
  { data: 'none', names: 'all', dice },
  { data: 'all', names: 'all', dice },
]

test(`a spool keeps every promise in ${statesWanted} states that a loss of power may leave (case S10)`, {
  timeout: 600_000,
}, async () => {
  const losing = new LosingDisk()
  const said = await lived(losing)
  const dice = seededRandom(seed)
  const points = losing.deeds.length + 1
  const each = Math.ceil(statesWanted / points)
  let states = 0
  for (let deeds = 0; deeds < points; deeds += 1) {
    const lines = said.filter((s) => s.deeds <= deeds).map((s) => s.line)
    const random = Array.from({ length: each - 4 }, (): Luck => ({ data: 'some', names: 'some', dice }))
    for (const luck of [...lucks(dice), ...random]) {
      await checked(losing.after(deeds, luck), lines, dice, `seed ${seed}, after deed ${deeds}, state ${states}`)
      states += 1
    }
  }
  expect(states).toBeGreaterThanOrEqual(statesWanted)
})

/** Opens the spool, and once more after a loss of power right after the first opening, or in the middle of it. */
async function checked(
  files: ReadonlyMap<string, Buffer>,
  lines: readonly Line[],
  dice: () => number,
  where: string,
): Promise<void> {
  const losing = new LosingDisk(files)
  const told = listening()
  const spool = await open(losing, told)
  expect(await broken(spool, lines), where).toEqual([])
  await spool.close()
  const nothing: Luck = { data: 'none', names: 'none', dice }
  const [deeds, luck]: [number, Luck] =
    dice() < 0.5
      ? [losing.deeds.length, nothing]
      : [Math.floor(dice() * losing.deeds.length), { data: 'some', names: 'some', dice }]
  const again = await open(new LosingDisk(losing.after(deeds, luck)), told)
  expect(await broken(again, lines), `${where}, opened twice, with ${deeds} calls of the first`).toEqual([])
  await again.close()
  expect(told.lines.filter(isOfDamage), where).toEqual([])
}

/** A write that was cut short is no damage: nobody has to look into it, and no message counts as one that may arrive twice. */
const isOfDamage = (line: string): boolean => /^(quarantined|forgotten|no identity)/.test(line)

test.each([
  ['', []],
  [', also below a file that has no record and the name of a later segment', ['0000000099-0011223344556677.log']],
])('what a killed process had written and not synced is made durable by the next start before anything follows from it%s (case S10)', async (_where, strays) => {
  const losing = new LosingDisk()
  const said = await lived(losing)
  const dice = () => 0
  for (let deeds = 0; deeds <= losing.deeds.length; deeds += 1) {
    const lines = said.filter((s) => s.deeds <= deeds).map((s) => s.line)
    const killed = losing.killedAfter(deeds)
    for (const name of strays) await killed.disk.create(`/spool/journal/${name}`)
    const spool = await open(killed)
    const told = (await messagesOf(spool)).map(({ envelope }) => envelope.queueId)
    await spool.close()
    const after = await open(new LosingDisk(killed.after(killed.deeds.length, { data: 'none', names: 'none', dice })))
    const where = `killed after deed ${deeds} of ${losing.deeds.length}`
    expect(await broken(after, lines), where).toEqual([])
    expect(
      (await messagesOf(after)).map(({ envelope }) => envelope.queueId),
      where,
    ).toEqual(told)
    await after.close()
  }
})

test('what a failed sync left, of a process that was killed then, is made durable by the next start before anything follows from it (case S16)', async () => {
  const whole = new LosingDisk()
  await lived(whole)
  const syncs = whole.deeds.filter((deed) => deed.do === 'sync').length
  const nothing: Luck = { data: 'none', names: 'none', dice: () => 0 }
  for (let n = 1; n < syncs; n += 1) {
    const losing = new LosingDisk()
    losing.syncsUntilFailure = n
    const said: { readonly line: Line; readonly deeds: number }[] = []
    const spool = await open(losing)
    await live(spool, (line) => said.push({ line, deeds: losing.deeds.length })).catch(() => {})
    const deeds = losing.deeds.findIndex((deed) => deed.do === 'failedSync') + 1
    await spool.close()
    const lines = said.filter((s) => s.deeds <= deeds).map((s) => s.line)
    const killed = losing.killedAfter(deeds)
    await (await open(killed)).close()
    const after = await open(new LosingDisk(killed.after(killed.deeds.length, nothing)))
    expect(await broken(after, lines), `sync ${n} of ${syncs} failed`).toEqual([])
    await after.close()
  }
})

test.each<[string, (disk: LosingDisk['disk']) => Partial<LosingDisk['disk']>]>([
  ['files', (disk) => ({ create: async (path) => ({ ...(await disk.create(path)), sync: async () => {} }) })],
  ['folders', () => ({ syncDirectory: async () => {} })],
])('a spool that does not sync %s loses mail in this model', async (_what, without) => {
  const losing = new LosingDisk()
  Object.assign(losing.disk, without({ ...losing.disk }))
  const lines = (await lived(losing)).map((s) => s.line)
  const files = losing.after(losing.deeds.length, { data: 'none', names: 'none', dice: () => 0 })
  const spool = await open(new LosingDisk(files))
  expect((await broken(spool, lines)).join()).toContain('acknowledged and is lost')
  await spool.close()
})
