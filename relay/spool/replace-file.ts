/** A small file that takes the place of the one before: its name is there only when its octets are on the medium. */
import { dirname } from 'node:path'
import type { Disk } from './disk.ts'

/** Durable when it resolves; a loss of power before that leaves the former file or none, never half of one. @throws the disk's error */
export async function replaceFile(disk: Disk, path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  // Left by an earlier attempt. If it cannot be removed, the next call fails and says so.
  await disk.unlink(temporary).catch(ignored)
  try {
    await writeNew(disk, temporary, text)
    await disk.rename(temporary, path)
  } catch (error) {
    // On a disk that is full the mail needs its room more.
    await disk.unlink(temporary).catch(ignored)
    throw error
  }
  await disk.syncDirectory(dirname(path))
}

async function writeNew(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.create(path)
  try {
    await file.write([Buffer.from(text)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

const ignored = (): void => {}
