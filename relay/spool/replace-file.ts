/** A small file that takes the place of the one before: its name is there only when its octets are on the medium. */
import { dirname } from 'node:path'
import type { Disk } from './disk.ts'

/** Durable when it resolves; a loss of power before leaves the former file, or none, and no half of it. @throws what the disk throws */
export async function replaceFile(disk: Disk, path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  // Of an attempt before; where it stays, the next call says so.
  await disk.unlink(temporary).catch(ignored)
  const file = await disk.create(temporary)
  try {
    await file.write([Buffer.from(text)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(dirname(path))
}

const ignored = (): void => {}
