/** A crowd in a process of its own: started, asked, and told to end. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CrowdOrder, CrowdReport } from './crowd.ts'

/**
 * One that is patient takes of the processor only what nobody else on this machine wants, as a crowd on machines of its own
 * would: SCHED_IDLE, because who is only nice may still finish its slice, some milliseconds, before a relay that woke up.
 */
export function startCrowd(order: CrowdOrder, { patient = false } = {}): ChildProcess {
  const program = patient ? { execPath: 'chrt', execArgv: ['--idle', '0', process.execPath] } : {}
  const crowd = fork(join(import.meta.dirname, 'crowd.ts'), program)
  crowd.send(order)
  return crowd
}

export async function tell(crowd: ChildProcess, what: 'report' | 'end'): Promise<CrowdReport> {
  crowd.send(what)
  const [report] = await once(crowd, 'message')
  return report as CrowdReport
}
