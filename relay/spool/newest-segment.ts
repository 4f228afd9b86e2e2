/**
 * The newest segment, and how it comes to be believed. It may hold records of a killed process that were never synced, or whose
 * sync failed: the system still reads them out, and a later sync succeeds. A loss of power takes them away, but not what was done
 * because of them, as the deletion of a segment whose messages they copy. So before it is believed, the segment is written over
 * itself and synced.
 */
import type { Disk } from './disk.ts'
import { isReadOnly, takesNothing, wordsOf } from './disk-error.ts'
import { openingOf, originalOf } from './opening.ts'
import type { Paths } from './paths.ts'
import { holdsRecord } from './record.ts'
import { parseSegmentName } from './segment.ts'
import { SpoolError } from './spool.ts'
import type { WholeSegments } from './whole-segments.ts'

export type Newest = {
  /** Undefined: there is none. */
  readonly name: string | undefined
  /**
   * Where the others end, by its first record, in octets. What lies behind that was left by a write that failed and could not be
   * cut off: it was never acknowledged, and may not be on the medium (case S16).
   */
  readonly ends: Readonly<Record<string, number>>
}

type Parts = { readonly disk: Disk; readonly paths: Paths; readonly segments: WholeSegments }

/** `names`: what is in the folder of the journal, in order. @throws what a person must mend */
export async function believeNewest(names: readonly string[], { disk, paths, segments }: Parts): Promise<Newest> {
  for (const segment of names.toReversed().map(parseSegmentName)) {
    const path = segment && paths.segment(segment.name)
    const bytes = path && (await segments.readTwice(path))
    // We make no segment without a record: a file that has such a name and no record was not the newest segment.
    if (!bytes || !holdsRecord(bytes, segment.nonce) || originalOf(bytes, segment, names) !== undefined) continue
    await writeOnceMore(disk, path, bytes)
    return { name: segment.name, ends: openingOf(bytes, segment)?.ends ?? {} }
  }
  return { name: undefined, ends: {} }
}

async function writeOnceMore(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  // If the disk is full or read-only, what it holds is delivered all the same.
  const writable = await disk.openToWrite(path).catch(unlessItTakesNothing)
  const file = writable ?? (await disk.open(path))
  try {
    await writable?.write([bytes], 0).catch(unlessItTakesNothing)
    await file.sync()
  } catch (error) {
    if (isReadOnly(error)) return
    throw new SpoolError('fault', `${path} cannot be synced: ${wordsOf(error)}; nothing was given up: start again`)
  } finally {
    await file.close()
  }
}

function unlessItTakesNothing(error: unknown): undefined {
  if (!takesNothing(error)) throw error
}
