/** How often a contender makes the disk durable for each message, counted by strace in a short run of its own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSink } from '../test/local/receiver.ts'
import type { Contender, Setting } from './contender.ts'
import { race } from './race.ts'

const calls = ['fsync', 'fdatasync', 'sync_file_range', 'syncfs', 'msync'] as const
const messages = 400

/** The `calls` for each message, in acceptance and delivery together, with 20 sessions. */
export async function fsyncsPerMessage(
  start: (setting: Setting) => Promise<Contender>,
  { folder, certificates }: Omit<Setting, 'sink' | 'trace'>,
): Promise<number> {
  const counts = join(folder, 'strace.txt')
  const sink = await startSink()
  const trace = ['strace', '-f', '-c', '--seccomp-bpf', '-o', counts, '-e', `trace=${calls.join(',')}`]
  const contender = await start({ folder, certificates, sink, trace })
  try {
    await race({ contender, sink }, { sessions: 20, messages, bytes: 4096 })
  } finally {
    await contender.stop()
    await sink.stop()
  }
  return countedCalls(readFileSync(counts, 'utf8')) / messages
}

/** The sum of the `calls` column of strace's summary. */
export const countedCalls = (summary: string): number =>
  [...summary.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm)]
    .filter(([, , call]) => calls.some((c) => c === call))
    .reduce((sum, [, count]) => sum + Number(count), 0)
