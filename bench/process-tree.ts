/** A server and all processes that it started, read from /proc: how much memory they take, and how they are ended. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Weight } from './results.ts'

const patienceMs = 5000

/** The process and its descendants, itself first. */
export function pidsOf(root: number): readonly number[] {
  const parents = new Map(processes().map((pid) => [pid, parentOf(pid)]))
  const found = [root]
  for (const parent of found) for (const [pid, of] of parents) if (of === parent) found.push(pid)
  return found
}

const processes = (): readonly number[] => readdirSync('/proc').map(Number).filter(Number.isInteger)

// In /proc/PID/stat, the state and the parent follow the name of the program, which is in parentheses and may have spaces.
const parentOf = (pid: number): number => Number(textOf(pid, 'stat').split(') ').at(-1)?.split(' ')[1])

/** In the proportional set size (PSS), a page that several processes share counts once in their sum. */
export function weigh(root: number): Weight {
  const pids = pidsOf(root)
  const texts = pids.map((pid) => textOf(pid, 'smaps_rollup'))
  const sum = (field: RegExp): number =>
    texts.reduce((total, text) => total + 1024 * Number(field.exec(text)?.[1] ?? 0), 0)
  return { pssBytes: sum(/^Pss:\s+(\d+)/m), rssBytes: sum(/^Rss:\s+(\d+)/m), processes: pids.length }
}

/** The text of a file in /proc/PID; empty when the process has ended meanwhile. */
function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** Sends the server SIGTERM (the traced one, not strace), waits for five seconds, and then kills all that it had started. */
export async function endTree(child: ChildProcess, traced: boolean): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const all = pidsOf(child.pid)
  const exited = once(child, 'exit')
  kill(traced ? all[1] : child.pid, 'SIGTERM')
  await Promise.race([exited, sleep(patienceMs, undefined, { ref: false })])
  // Not strace itself: it writes its summary and ends when the last process that it traces has ended.
  for (const pid of traced ? all.slice(1) : all) kill(pid, 'SIGKILL')
  await exited
}

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal)
  } catch {
    // It has ended already.
  }
}
