/** How much processor time a process has used, as the kernel counts it for each of its threads. */
import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds since the process began, of all its threads and of the main one; threads that have ended are not counted. */
export function busyMs(pid: number): { readonly all: number; readonly main: number } {
  const of = (thread: string): number =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  const all = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + of(thread), 0)
  return { all, main: of(String(pid)) }
}
