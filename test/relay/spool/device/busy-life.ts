/**
 * A busy life of a spool in a process that is to be killed: `node busy-life.ts FOLDER LOG SEED [unsynced]` prints each line of it
 * as JSON, with the octets that the log of the device had before it was asked for, or after it was durable.
 */
import { statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Disk, nodeDisk } from '../../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../../relay/spool/journal-spool.ts'
import { seededRandom } from '../../../local/seeded-random.ts'
import { deedsOn, type Line } from '../scenario.ts'
import { tellingTrouble } from '../telling.ts'

/** The device's log had `at` octets. */
export type LineAt = { readonly at: number; readonly line: Line }

const [, , directory = '', log = '', seed = '1', how = 'synced'] = process.argv
const dice = seededRandom(Number(seed))
const drawn = <T>(list: readonly T[]): T | undefined => list[Math.floor(dice() * list.length)]
const tell = (fact: unknown): void => void writeSync(1, `${JSON.stringify(fact)}\n`)

/** Small and large, around the lengths from which a content has a file of its own. */
const sizes = [0, 200, 3000, 3000, 3000, 20_000, 60_000, 120_000, 140_000, 300_000]
const fewest = 20
const mostOctets = 6_000_000
const atOnce = 12

/** Whoever trusts the operating system to write in time; for the proof that this would be found out. */
const unsynced: Disk = {
  ...nodeDisk,
  create: async (path) => ({ ...(await nodeDisk.create(path)), sync: async () => {} }),
  openToWrite: async (path) => ({ ...(await nodeDisk.openToWrite(path)), sync: async () => {} }),
  syncDirectory: async () => {},
}

const disk = how === 'unsynced' ? unsynced : nodeDisk
for (const folder of ['journal', 'large', 'quarantine']) await disk.makeDirectory(join(directory, folder))
const spool = await JournalSpool.open({
  directory,
  events: tellingTrouble(tell),
  now: Date.now,
  disk,
  closed: () => {},
})
const deeds = deedsOn(spool, (line) => tell({ at: statSync(log).size, line }))

/** A message that is ours, and how many attempts are recorded of it; that number only grows, as in a relay. */
type Resting = { readonly queueId: string; readonly attempts: number }
/** Nothing is done to these now. */
const resting: Resting[] = []
let begun = 0

function takeOne(): Resting | undefined {
  return resting.splice(Math.floor(dice() * resting.length), 1)[0]
}

async function accept(reports?: string): Promise<void> {
  const queueId = `m${String(begun++).padStart(9, '0')}`
  await deeds.accept(queueId, drawn(sizes) ?? 0, reports)
  resting.push({ queueId, attempts: 0 })
}

const acceptOne = (): Promise<void> => accept()

async function removeOne(): Promise<void> {
  const one = takeOne()
  if (one !== undefined) await deeds.remove(one.queueId)
}

async function reportOne(): Promise<void> {
  const one = takeOne()
  if (one === undefined) return
  await accept(one.queueId)
  await deeds.remove(one.queueId)
}

async function recordOne(): Promise<void> {
  const one = takeOne()
  if (one === undefined) return
  const attempts = one.attempts + 1
  await deeds.record(one.queueId, attempts)
  resting.push({ ...one, attempts })
}

async function live(): Promise<never> {
  for (;;) {
    if (spool.bytes > mostOctets) await removeOne()
    else
      await (resting.length > fewest ? drawn([removeOne, recordOne, reportOne, acceptOne, acceptOne]) : acceptOne)?.()
  }
}

tell({ begins: statSync(log).size })
await Promise.all(Array.from({ length: atOnce }, live))
