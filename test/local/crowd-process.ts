/** A crowd in a process of its own: started, asked, and told to end. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CrowdOrder, CrowdReport } from './crowd.ts'

/**
 * What a crowd takes of the processor. `equal`: as much as everybody. `low`: little, but it may finish its slice, some
 * milliseconds, before a relay that woke up. `idle`: only what nobody else on this machine wants (SCHED_IDLE), as if it
 * were on machines of its own; beside others who want all of it that is nothing.
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
