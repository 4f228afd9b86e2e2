/** Makes the folders of a spool, and syncs their names: a loss of power that took a name would take all that is in the folder. */
import { lstat, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Disk } from './disk.ts'
import { isReadOnly, spoolError } from './disk-error.ts'
import { pathsOf } from './paths.ts'
import { SpoolError } from './spool.ts'

/** @throws SpoolError */
export async function makeFolders(disk: Disk, directory: string): Promise<void> {
  const { journal, large, quarantine } = pathsOf(directory)
  try {
    await makeFolder(disk, directory)
    for (const folder of [journal, large, quarantine]) {
      await disk.makeDirectory(folder)
      await mustBeWithin(directory, folder)
    }
    // Also where they were there: the process that made them may have been killed before it synced them.
    for (const folder of [directory, dirname(directory)]) await disk.syncDirectory(folder).catch(unlessReadOnly)
  } catch (error) {
    throw spoolError(`spool ${directory} cannot be made`, error)
  }
}

/**
 * Records name contents, and removals earlier records: a start with one folder and without the other would take for gone, or for
 * nobody's, what is only away. On one volume they come and go together.
 */
async function mustBeWithin(directory: string, folder: string): Promise<void> {
  const [spool, its] = [await stat(directory), await lstat(folder)]
  if (its.isDirectory() && its.dev === spool.dev) return
  const what = its.isDirectory() ? 'on another volume than the spool' : 'a link'
  const mend = `make it a folder of ${directory}, with what is in it`
  throw new SpoolError('fault', `${folder} is ${what}, and a start without it would lose mail: ${mend}`)
}

async function makeFolder(disk: Disk, directory: string): Promise<void> {
  const first = await disk.makeDirectory(directory)
  if (first === undefined) return
  const top = dirname(resolve(first))
  for (let folder = resolve(directory); folder !== top; folder = dirname(folder)) {
    await disk.syncDirectory(dirname(folder))
  }
}

/** When Linux has found an error on a volume it makes it read-only, and fails each sync with that, too. */
function unlessReadOnly(error: unknown): void {
  if (!isReadOnly(error)) throw error
}
