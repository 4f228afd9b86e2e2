/** How long a process has kept processors busy, as the kernel counts it for each of its threads. */
import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds since it began, of the main thread and of all others. */
export type Usage = { readonly main: number; readonly others: number }

/** Threads that have ended are not counted. */
export function busyMs(pid: number): Usage {
  const of = (thread: string): number =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  const threads = readdirSync(`/proc/${pid}/task`).filter((thread) => thread !== String(pid))
  return { main: of(String(pid)), others: threads.reduce((sum, thread) => sum + of(thread), 0) }
}
