/**
 * Faults of the disk that begin when a relay listens. strace counts the calls of each thread, and so can not be told to let those of a
 * start pass: here it comes only behind the start, and each call from then on is one that it was asked to look at.
 */
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { Relay } from './relay-process.ts'
import { until } from './until.ts'

const quoted = (text: string): string => `'${text}'`

/**
 * What is put before the command line of a relay. It becomes strace at SIGUSR1, as the parent of the relay, since a system may let nobody
 * else trace a process.
 */
export const tracedLater = (strace: readonly string[]): readonly string[] => [
  'sh',
  '-c',
  `exec 3<&0
  "$@" <&3 3<&- &
  relay=$!
  traced() { exec strace ${strace.map(quoted).join(' ')} -p "$relay"; }
  trap traced USR1
  wait "$relay"`,
  'sh',
]

/** Resolves when each thread of the relay is traced. */
export async function traceNow(tracer: ChildProcess, { pid }: Relay): Promise<void> {
  tracer.kill('SIGUSR1')
  const threads = `/proc/${pid}/task`
  const isTraced = (thread: string): boolean =>
    /^TracerPid:\t[1-9]/m.test(readFileSync(`${threads}/${thread}/status`, 'utf8'))
  await until('the relay is traced', () => readdirSync(threads).every(isTraced))
}
