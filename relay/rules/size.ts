/** May a message of the size that its client announces come at all, with room for it (RFC 1870 section 6.1), and do its octets pass? */
import type { RelayConfig } from '../config.ts'
import type { Newlines } from '../mail/newlines.ts'
import { type Refusal, refusal } from '../mail/rule.ts'

/** `size`: octets, 0 where the client announces none; `queued`: octets of the queue that are taken already. */
export function judgeSize({ limits, queue }: RelayConfig, size: number, queued: number): Refusal | undefined {
  if (size > limits.messageBytes) return refusal('admission.limits.messageSize')
  return queued + Math.max(size, 1) > queue.maxBytes ? refusal('queue.storage') : undefined
}

/** The gravest fault of so many octets of a content, also while more of it may come. */
export function judgeOctets({ bare, nul }: Newlines, octets: number, messageBytes: number): Refusal | undefined {
  if (bare) return refusal('listeners.bareNewlines')
  if (nul) return refusal('always.nul')
  return octets > messageBytes ? refusal('admission.limits.messageSize') : undefined
}
