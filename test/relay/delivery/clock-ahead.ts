/** The clock that durations are measured by is set ahead in a test, in place of waiting: timers that run are not. */
import { vi } from 'vitest'
import { onTestFinished } from '../../own-test.ts'

/** From now on until the test ends, it is so much later than it is. */
export function clockAhead(byMs: number): void {
  const before = performance.now.bind(performance)
  const ahead = vi.spyOn(performance, 'now').mockImplementation(() => before() + byMs)
  onTestFinished(() => ahead.mockRestore())
}
