/** How long one whole submission takes: connect, STARTTLS, AUTH, the message, 250, QUIT. */
import type { Access } from '../test/local/smtp-session.ts'
import { carryOut } from './load-order.ts'

export type Latency = { readonly p50Ms: number; readonly p99Ms: number; readonly samples: number }

type Pace = {
  readonly samples: number
  readonly bytes: number
  /** How many go on at the same time; default 1: nothing else happens. */
  readonly parallel?: number
}

/** Submissions before the first that counts, so that it is nobody's first ones that are measured. */
const uncounted = 100

/** @throws Error when a single message was not acknowledged */
export async function latency(access: Access, { samples, bytes, parallel = 1 }: Pace): Promise<Latency> {
  const messages = uncounted + samples
  const order = { access, sessions: parallel, messages, messagesPerConnection: 1, bytes, timed: true }
  const { connectionsMs, others } = await carryOut(order)
  if (others.length > 0) throw new Error(`not acknowledged: ${others.slice(0, 3).join('; ')}`)
  const times = connectionsMs.slice(uncounted).sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99), samples: times.length }
}
