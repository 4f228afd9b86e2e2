/** Plays a spool's scenario in a process that is to be killed: `node living.ts FOLDER` prints each fact as a line of JSON. */
import { join } from 'node:path'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { live } from './scenario.ts'
import { tellingTrouble } from './telling.ts'

const [, , directory = ''] = process.argv
const tell = (fact: unknown): void => console.log(JSON.stringify(fact))
/** It pretends to be a small volume, on which segments are small, so that a short scenario fills many. */
const disk = { ...nodeDisk, space: async () => ({ free: 4_000_000, total: 4_000_000 }) }
for (const folder of ['journal', 'large', 'quarantine']) await disk.makeDirectory(join(directory, folder))
const spool = await JournalSpool.open({
  directory,
  events: tellingTrouble(tell),
  now: Date.now,
  disk,
  tryAgainMs: 10,
  closed: () => {},
})
try {
  await live(spool, tell)
} catch (error) {
  tell({ refused: error instanceof Error && 'kind' in error ? error.kind : String(error) })
}
await spool.close()
