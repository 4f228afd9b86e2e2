/** A real spool on a disk whose calls a test makes fail, and what it tells of that. */
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { messagesOf } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { listening } from './samples.ts'

export async function opened(directory = temporaryFolder(), failing = new FailingDisk()) {
  const told = listening()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const open = () =>
    JournalSpool.open({
      directory,
      events: told.events,
      now: Date.now,
      disk: failing.disk,
      tryAgainMs: 20,
      closed: () => {},
    })
  const spool = await open()
  onTestFinished(() => spool.close())
  const state = () => told.lines.filter((line) => !line.startsWith('committed') && !line.startsWith('recovered'))
  return { directory, failing, spool, state, told }
}
export const ids = async (spool: JournalSpool): Promise<string[]> =>
  (await messagesOf(spool)).map((m) => m.envelope.queueId)
export const mended = (spool: JournalSpool) => until('the spool takes mail again', () => spool.fault === undefined)
