/** What `bench:quick` measures of one contender, and the shapes of load that each of them gets. */
import type { Sink } from '../test/local/receiver.ts'
import type { Contender, Setting } from './contender.ts'
import type { Latency } from './latency.ts'

export type Run = {
  readonly acceptedPerSecond: number
  readonly deliveredPerSecond: number
  /** How much of one core the load used: near 1, the load itself was the limit, and not the server. */
  readonly loadCores: number
}

export type Lane = {
  readonly start: (setting: Setting) => Promise<Contender>
  readonly contender: Contender
  readonly sink: Sink
  readonly runs: Readonly<Record<keyof typeof shapes, Run[]>>
  readonly latencies: Latency[]
  fsyncs: number
}

export const shapes = {
  reused: { sessions: 20, messages: 5000, bytes: 4096 },
  single: { sessions: 20, messages: 1000, bytes: 4096, messagesPerConnection: 1 },
} as const

/**
 * The loads before the first round, for some seconds each: a JIT compiler needs some ten thousand messages to do its work, and
 * what a session begins and ends with runs once for each connection only.
 */
export const warmUps = [
  { sessions: 20, bytes: 4096 },
  { sessions: 20, bytes: 4096, messagesPerConnection: 1 },
] as const
