/** Starts a crowd of greedy clients (crowd.ts) in a process of its own, asks it for a report, and tells it to end. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CrowdOrder, CrowdReport } from './crowd.ts'

/**
 * How much of the processor a crowd may take. `equal`: as much as everybody. `low`: little, but it may finish its time slice of
 * some milliseconds before a relay that woke up gets its turn. `idle`: only what nothing else on this machine wants
 * (SCHED_IDLE), as if it ran on machines of its own; that is nothing at all where others want all of it.
 */
const priorities = { equal: [], low: ['nice', '-n', '19'], idle: ['chrt', '--idle', '0'] } as const
export type Priority = keyof typeof priorities

export function startCrowd(order: CrowdOrder, priority: Priority = 'equal'): ChildProcess {
  const [execPath, ...execArgv] = [...priorities[priority], process.execPath] as const
  const crowd = fork(join(import.meta.dirname, 'crowd.ts'), { execPath, execArgv })
  crowd.send(order)
  return crowd
}

export async function tell(crowd: ChildProcess, what: 'report' | 'end'): Promise<CrowdReport> {
  crowd.send(what)
  const [report] = await once(crowd, 'message')
  return report as CrowdReport
}
