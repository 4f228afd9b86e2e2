/**
 * The durable spool: a journal of segments, and a file for each large content.
 *
 * A message is in exactly one state, told by the records of the journal; a crash at any line leaves one of these:
 *
 *   S1  nothing, or large/<id>.eml that no record names     being received; swept at the start; we have promised nothing
 *   S2  `accepted` or `moved` in journal/<n>-<nonce>.log    ours: content (in the record, or in large/<id>.eml, synced
 *                                                           before the record was written) and envelope; only now 250
 *   S3  S2, then `state` after it                           ours, and the last whole `state` says where each recipient is
 *   S4  S2 or S3, then `removed` after it                   no longer ours; a large/<id>.eml that is still there is swept
 *   S5  S2, then `void` after it                            was refused with 4yz after its write failed: never was ours
 *
 * A record is whole or it is not there: head, envelope and content each have a checksum, and begin with a nonce that
 * nobody outside knows. What was cut short in the last write to the newest segment was never acknowledged; see cut-write.ts.
 * A DSN (`reports`) closes the recipients it reports by its own record, so each is reported once, whatever comes after.
 * So delivery must queue the DSN before it records a recipient as bounced: a message with no pending recipient is ended.
 *
 * A segment is deleted when it is the oldest, not the only one, and no message of ours has its newest record there; see cleaner.ts.
 * Where a full volume has no room for another one, the only one gives its own back, and its file is named `emptied` meanwhile.
 */
import type { Events } from '../events.ts'
import { again } from './again.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { spoolError, wordsOf } from './disk-error.ts'
import { makeFolders } from './folders.ts'
import { identityOf, isAnother } from './identity.ts'
import { JournalSpool, type SpoolEvents } from './journal-spool.ts'
import { type Lock, lockDirectory } from './lock.ts'
import { pathsOf } from './paths.ts'

type Parts = {
  readonly directory: string
  readonly events: SpoolEvents & Pick<Events, 'spoolNotIdentified'>
  readonly now?: () => number
}

/**
 * Opens the spool in this folder, making it if it is not there. A full or failing disk does not keep it from opening:
 * `fault` then says so, and what is whole can be delivered.
 * @throws SpoolError when another process has it, or the folder cannot be read.
 */
export async function openSpool({ directory, events, now = Date.now }: Parts): Promise<JournalSpool> {
  await makeFolders(nodeDisk, directory)
  let identity: string | undefined
  const lock = lockDirectory(directory, async () => identity !== undefined && isAnother(nodeDisk, directory, identity))
  try {
    identity = await identify(directory, events)
    const disk = writtenAlone(lock)
    return await JournalSpool.open({ directory, identity, events, now, disk, closed: () => lock.release() })
  } catch (error) {
    lock.release()
    throw spoolError(`spool ${directory} cannot be opened`, error)
  }
}

/** Writing begins with a new file. Relays that started on a read-only volume share its lock: none makes one until it has it alone. */
const writtenAlone = (lock: Lock): Disk => ({
  ...nodeDisk,
  create: async (path) => {
    if (lock.shared !== undefined) throw lock.shared
    return nodeDisk.create(path)
  },
})

/** Undefined where the identity can be neither read nor written: what is in the spool is delivered all the same. */
async function identify(directory: string, events: Parts['events']): Promise<string | undefined> {
  try {
    return await again(() => identityOf(nodeDisk, directory))
  } catch (error) {
    events.spoolNotIdentified(`${pathsOf(directory).identity}: ${wordsOf(error)}`)
    return undefined
  }
}
