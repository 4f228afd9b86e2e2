/** Makes the folders of a spool, and syncs their names: a loss of power that took a name would take all that is in the folder. */
import { dirname, resolve } from 'node:path'
import type { Disk } from './disk.ts'
import { isReadOnly, spoolError } from './disk-error.ts'
import { pathsOf } from './paths.ts'

/** @throws SpoolError */
export async function makeFolders(disk: Disk, directory: string): Promise<void> {
  const { journal, large, quarantine } = pathsOf(directory)
  try {
    await makeFolder(disk, directory)
    for (const folder of [journal, large, quarantine]) await disk.makeDirectory(folder)
    // Also where they were there: the process that made them may have been killed before it synced them.
    for (const folder of [directory, dirname(directory)]) await disk.syncDirectory(folder).catch(unlessReadOnly)
  } catch (error) {
    throw spoolError(`spool ${directory} cannot be made`, error)
  }
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
