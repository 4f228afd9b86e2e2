/** How long one whole submission takes: connect, STARTTLS, AUTH, the message, 250, QUIT. */
import type { Access } from '../test/local/smtp-session.ts'
import { carryOut } from './load-order.ts'

export type Latency = { readonly p50Ms: number; readonly p99Ms: number; readonly samples: number }

type Pace = {
  readonly samples: number
  readonly bytes: number
  /** How many submissions run at the same time; 1 by default, so that nothing else happens meanwhile. */
  readonly parallel?: number
}

/** So many submissions before the first that counts, since the first ones at a fresh server take longer. */
const uncounted = 100

/** @throws Error when even one message was not acknowledged */
export async function latency(access: Access, { samples, bytes, parallel = 1 }: Pace): Promise<Latency> {
  const messages = uncounted + samples
  const order = { access, sessions: parallel, messages, messagesPerConnection: 1, bytes, timed: true }
  const { connectionsMs, others } = await carryOut(order)
  if (others.length > 0) throw new Error(`not acknowledged: ${others.slice(0, 3).join('; ')}`)
  const times = connectionsMs.slice(uncounted).sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99), samples: times.length }
}
