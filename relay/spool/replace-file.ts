/** A file that takes the place of the one before: its name is there only when its octets are on the medium. */
import { dirname } from 'node:path'
import type { Disk, DiskFile } from './disk.ts'

type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>

/** Durable when it resolves; a loss of power before that leaves the former file or none, never half of one. @throws the disk's error */
export async function replaceFile(disk: Disk, path: string, text: string): Promise<void> {
  await removeUnfinished(disk, path)
  await putFile(disk, path, () => [Buffer.from(text)])
  await disk.syncDirectory(dirname(path))
}

/** What an earlier attempt has left. If it cannot be removed, the next call of `putFile` fails and says so. */
export const removeUnfinished = (disk: Disk, path: string): Promise<void> => disk.unlink(temporary(path)).catch(ignored)

/** The same without its name: that is durable when the folder is synced. `content` is asked for once there is a file for it. */
export async function putFile(disk: Disk, path: string, content: () => Chunks): Promise<void> {
  try {
    await write(await disk.create(temporary(path)), content())
    await disk.rename(temporary(path), path)
  } catch (error) {
    // On a disk that is full the mail needs its room more.
    await removeUnfinished(disk, path)
    throw error
  }
}

const temporary = (path: string): string => `${path}.tmp`

async function write(file: DiskFile, content: Chunks): Promise<void> {
  try {
    let at = 0
    for await (const chunk of content) {
      await file.write([chunk], at)
      at += chunk.length
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

const ignored = (): void => {}
