/** How much processor time work takes: unlike time by the clock, it does not grow when the machine is busy with other work. */

/** The processor time that this thread used for `work`, in milliseconds. */
export function cpuMs(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** The least of several attempts, in milliseconds, since the first ones compile the code as well. */
export const leastCpuMs = (attempts: number, work: () => unknown): number =>
  Math.min(...Array.from({ length: attempts }, () => cpuMs(work)))
