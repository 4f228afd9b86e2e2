/** Takes all the room that a volume has. */
import { writeFileSync } from 'node:fs'

/** To its last page, by a file. */
export function fill(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4096), { flag: 'a' })
  } catch {
    // That was the last page.
  }
}
