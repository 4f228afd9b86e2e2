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

const silent = (): void => {}
const events = {
  committed: silent,
  forgotten: silent,
  recovered: silent,
  quarantined: (file: string, why: string) => tell({ trouble: `${file}: ${why}` }),
  spoolFault: (why: string) => tell({ trouble: why }),
  spoolRecovered: silent,
}

const disk = how === 'unsynced' ? unsynced : nodeDisk
for (const folder of ['journal', 'large', 'quarantine']) await disk.makeDirectory(join(directory, folder))
const spool = await JournalSpool.open({ directory, events, now: Date.now, disk, closed: silent })
const deeds = deedsOn(spool, (line) => tell({ at: statSync(log).size, line }))

/** Ours, and nothing is done to them now. */
const resting: string[] = []
let begun = 0

function takeOne(): string | undefined {
  return resting.splice(Math.floor(dice() * resting.length), 1)[0]
}

async function accept(reports?: string): Promise<string> {
  const queueId = `m${String(begun++).padStart(9, '0')}`
  await deeds.accept(queueId, drawn(sizes) ?? 0, reports)
  return queueId
}

async function removeOne(): Promise<void> {
  const queueId = takeOne()
  if (queueId !== undefined) await deeds.remove(queueId)
}

async function reportOne(): Promise<void> {
  const queueId = takeOne()
  if (queueId === undefined) return
  const report = await accept(queueId)
  await deeds.remove(queueId)
  resting.push(report)
}

async function recordOne(): Promise<void> {
  const queueId = takeOne()
  if (queueId === undefined) return
  await deeds.record(queueId, 1 + Math.floor(dice() * 9))
  resting.push(queueId)
}

async function acceptOne(): Promise<void> {
  resting.push(await accept())
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
