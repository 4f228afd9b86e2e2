/** Fills a volume, as somebody else may who writes to it. */
import { closeSync, fsyncSync, openSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Writes to the file until the volume has no page left. */
export function fill(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4096), { flag: 'a' })
  } catch {
    // That was the last page.
  }
}

/** Leaves so many octets, and is on the medium when it returns: some file systems find room for what is written only then. */
export function leave(directory: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory)
  const file = openSync(join(directory, 'filler'), 'w')
  for (let left = bavail * bsize - bytes; left > 0; ) left -= writeSync(file, Buffer.alloc(Math.min(left, 1_048_576)))
  fsyncSync(file)
  closeSync(file)
}
