/** The folder of what is damaged: nothing in it is deleted or written over. */
import type { Disk } from './disk.ts'
import { isAbsent, wordsOf } from './disk-error.ts'
import type { Paths } from './paths.ts'

/** Moved there, under its name or the next free one. @throws what the disk throws */
export async function moveAside(disk: Disk, paths: Paths, path: string, name: string): Promise<void> {
  // Somebody may have taken the folder away with what was in it.
  if ((await disk.makeDirectory(paths.quarantine)) !== undefined) await disk.syncDirectory(paths.directory)
  let free = name
  // Asked name by name: with tens of thousands of files, to list the folder for each of them would take hours.
  for (let n = 1; await isThere(disk, paths.setAside(free)); n += 1) free = `${name}.${n}`
  await disk.rename(path, paths.setAside(free))
}

/** Why it could not be: a disk that cannot even rename must not keep us from mail that is whole. Undefined: it lies there. */
export const setAside = (disk: Disk, paths: Paths, path: string, name: string): Promise<string | undefined> =>
  moveAside(disk, paths, path, name).then(() => undefined, wordsOf)

/** Whether a file of that name was moved there; also where that cannot be told. */
export const isAside = (disk: Disk, paths: Paths, name: string): Promise<boolean> =>
  isThere(disk, paths.setAside(name)).catch(() => true)

const isThere = (disk: Disk, path: string): Promise<boolean> =>
  disk.size(path).then(
    () => true,
    (error: unknown) => {
      if (isAbsent(error)) return false
      throw error
    },
  )
