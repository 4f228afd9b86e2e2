/** Whether a test can trace the system calls of a process, and make them fail. */
import { execFileSync } from 'node:child_process'
import { skipped } from '../../local/skipped.ts'

/**
 * For `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export function traceable(): boolean {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return skipped('the tests that look at each call need strace, and leave to trace')
  }
}
