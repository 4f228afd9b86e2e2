/** May a message of the size that its client announces come at all, and is there room for it (RFC 1870 section 6.1)? */
import type { RelayConfig } from '../config.ts'
import { type Refusal, refusal } from '../mail/rule.ts'

/** `size`: octets, 0 where the client announces none; `queued`: octets of the queue that are taken already. */
export function judgeSize({ limits, queue }: RelayConfig, size: number, queued: number): Refusal | undefined {
  if (size > limits.messageBytes) return refusal('admission.limits.messageSize')
  return queued + Math.max(size, 1) > queue.maxBytes ? refusal('queue.storage') : undefined
}
