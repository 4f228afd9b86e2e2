/**
 * The newest segment. A process that was killed may have written what it never synced, or what a failed sync has dropped: the
 * system reads that out, and says of a later sync that all is well. After a loss of power it is gone; what was done since it
 * was read, as the deletion of a segment that it has copies of, is not. So it is written over itself, and synced, before it is
 * believed.
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
   * Where it says that the others end: what a failed write left behind that, if it could not be cut off, was never
   * acknowledged, and may be on no medium either (case S16).
   */
  readonly ends: Readonly<Record<string, number>>
}

type Parts = { readonly disk: Disk; readonly paths: Paths; readonly segments: WholeSegments }

/** `names`: what is in the folder of the journal, in order. @throws what a person must mend */
export async function believeNewest(names: readonly string[], { disk, paths, segments }: Parts): Promise<Newest> {
  for (const segment of names.toReversed().map(parseSegmentName)) {
    const path = segment && paths.segment(segment.name)
    const bytes = path && (await segments.readTwice(path))
    // We begin none without a record: what has such a name and none was never the newest one.
    if (!bytes || !holdsRecord(bytes, segment.nonce) || originalOf(bytes, segment, names) !== undefined) continue
    await writeOnceMore(disk, path, bytes)
    return { name: segment.name, ends: openingOf(bytes, segment)?.ends ?? {} }
  }
  return { name: undefined, ends: {} }
}

async function writeOnceMore(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  // A disk that takes nothing is no reason to deliver nothing.
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
