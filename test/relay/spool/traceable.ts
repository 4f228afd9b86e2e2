/** Whether a test may look at each call of a process, and make it fail. */
import { execFileSync } from 'node:child_process'
import { skipped } from '../../local/skipped.ts'

/** For `describe.runIf`. @throws Error in CI. */
export function traceable(): boolean {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return skipped('the tests that look at each call need strace, and leave to trace')
  }
}
