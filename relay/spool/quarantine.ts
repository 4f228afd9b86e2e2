/** The folder of what is damaged: nothing in it is deleted or written over. */
import type { Disk } from './disk.ts'
import type { Paths } from './paths.ts'

/** Moved there, under its name or the next free one. False: a disk that cannot even rename keeps us from no mail that is whole. */
export async function setAside(disk: Disk, paths: Paths, path: string, name: string): Promise<boolean> {
  const taken = new Set(await disk.list(paths.quarantine))
  let free = name
  for (let n = 1; taken.has(free); n += 1) free = `${name}.${n}`
  return disk.rename(path, paths.setAside(free)).then(
    () => true,
    () => false,
  )
}
