/** What work takes of the processor: a machine that does other things beside it adds nothing to that. */

/** Milliseconds of this thread. */
export function cpuMs(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** The least of some attempts, in milliseconds: the first of them compiles the code, too. */
export const leastCpuMs = (attempts: number, work: () => unknown): number =>
  Math.min(...Array.from({ length: attempts }, () => cpuMs(work)))
