/** The folders of a spool, made where they are not there; their names are on the medium, too: without them nothing in them is. */
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
    // Whoever made them may have been killed before this.
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

/** Linux says so of each sync, too, once it has found an error on the volume. */
function unlessReadOnly(error: unknown): void {
  if (!isReadOnly(error)) throw error
}
