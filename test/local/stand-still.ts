/** A process that stands still while a test changes what it would notice in between. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { until } from './until.ts'

/** Resolves when the process has stopped, and not only been told to; `SIGCONT` lets it go on. */
export async function standStill(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP')
  await until('it stands still', () => /^State:\tT/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')))
}
