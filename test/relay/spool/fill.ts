/** Fills a volume. */
import { writeFileSync } from 'node:fs'

/** Writes to the file until the volume has no page left. */
export function fill(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4096), { flag: 'a' })
  } catch {
    // That was the last page.
  }
}
