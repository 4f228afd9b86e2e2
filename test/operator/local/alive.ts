/** Whether a process runs, for tests that end processes. */
import { readFileSync } from 'node:fs'

/** A process that has ended and only waits for its parent to see that (a zombie) does not run any more. */
export function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
