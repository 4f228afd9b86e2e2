/** A spool keeps its promises however the deeds of many who act at once interleave, and whichever calls of the disk fail. */
import { expect, test } from 'vitest'
import type { Disk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening, octets } from './samples.ts'
import { broken, contentFor, deedsOn, type Line } from './scenario.ts'
import { turns, whimsical } from './whimsical.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const lives = long ? 3000 : 100
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 7)

type Dice = () => number
type Deeds = ReturnType<typeof deedsOn>

/** Segments of a few messages, so that there is always something to clean. */
const open = (disk: Disk) =>
  JournalSpool.open({
    directory: '/spool',
    events: listening().events,
    now: Date.now,
    disk,
    segmentBytes: 3000,
    tryAgainMs: 1,
    closed: () => {},
  })

/** Accepts, defers, reports on and removes messages, among them those in `given`; some messages stay. */
async function act(deeds: Deeds, name: string, given: readonly string[], dice: Dice): Promise<void> {
  const mine = [...given]
  for (let n = 10; n < 26; n += 1) {
    const id = `${name}${n}message`
    await deeds.accept(id, dice() < 0.1 ? 140_000 : Math.floor(dice() ** 3 * 4000))
    mine.push(id)
    for (let attempts = 1; dice() < 0.4; attempts += 1) await deeds.record(id, attempts)
    await turns(dice)
    if (dice() < 0.85) await end(deeds, mine.splice(Math.floor(dice() ** 2 * mine.length), 1)[0] ?? id, dice)
  }
}

const end = (deeds: Deeds, id: string, dice: Dice): Promise<void> =>
  dice() < 0.2 ? report(deeds, id, dice) : deeds.remove(id)

/** Reports on a message, and leaves its end to recovery, as where a crash came before that was written. */
async function report(deeds: Deeds, id: string, dice: Dice): Promise<void> {
  const dsn = id.replace(/^(...)message$/, '$1reports')
  await deeds.accept(dsn, 300, id)
  if (dice() < 0.7) await deeds.remove(dsn)
}

const stopped = (error: unknown): void => {
  if (!(error instanceof SpoolError)) throw error
}

async function readAll(spool: JournalSpool, ids: ReadonlyMap<string, number>): Promise<void> {
  for (const [id, bytes] of [...ids, ...ids, ...ids]) {
    const content = await octets(spool.content(id)).catch((error: Error) => error)
    // The message may have left meanwhile; else its content is whole.
    if (!spool.has(id)) continue
    if (content instanceof Error) throw content
    expect(content.equals(contentFor(id, bytes)), `the content of ${id}`).toBe(true)
  }
}

async function lived(dice: Dice, failures: number): Promise<readonly string[]> {
  const said: { readonly line: Line; readonly deeds: number }[] = []
  const losing = new LosingDisk()
  const tell = (line: Line) => void said.push({ line, deeds: losing.deeds.length })
  const before = await open(losing.disk)
  const kept = new Map(Array.from({ length: 12 }, (_, n) => [`k${10 + n}message`, 100 * n]))
  for (const [id, bytes] of kept) await deedsOn(before, tell).accept(id, bytes)
  await before.close()

  let whims = 0
  const spool = await open(whimsical(losing.disk, { dice, failures: () => whims, codes: () => ['EIO'] }))
  whims = failures
  // An actor one of whose deeds fails stops; the others go on.
  const given = [...kept.keys()]
  const acting = ['a', 'b', 'c', 'd', 'e'].map((name, i) =>
    act(deedsOn(spool, tell), name, given.slice(2 * i, 2 * i + 2), dice).catch(stopped),
  )
  const reading = Array.from({ length: 6 }, () => (failures === 0 ? readAll(spool, kept) : undefined))
  await Promise.all([...acting, ...reading])
  whims = 0
  await spool.close()
  // The spool is opened as it is at the end, and as a loss of power somewhere on the way leaves it.
  const lost = Math.floor(dice() * losing.deeds.length)
  const found = []
  for (const [deeds, data] of [
    [losing.deeds.length, 'all'],
    [lost, 'some'],
    [lost, 'none'],
  ] as const) {
    const again = await open(new LosingDisk(losing.after(deeds, { data, names: data, dice })).disk)
    const lines = said.filter((s) => s.deeds <= deeds).map((s) => s.line)
    found.push(...(await broken(again, lines)).map((what) => `${what} (${data} after deed ${deeds})`))
    await again.close()
  }
  return found
}

test.each([
  ['on a disk that is whole', 0],
  ['on a disk that fails now and then', 0.002],
])(
  `a spool on which many act at once keeps its promises in ${lives} lives, %s`,
  { timeout: 900_000 },
  async (_what, failures) => {
    for (let life = 0; life < lives; life += 1) {
      expect(await lived(seededRandom(seed + life), failures), `seed ${seed + life}`).toEqual([])
    }
  },
)
