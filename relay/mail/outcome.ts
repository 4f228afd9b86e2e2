/** What one delivery attempt came to, for one recipient. */
import type { Reply } from './reply.ts'

export type Outcome =
  | { readonly kind: 'delivered'; readonly reply: Reply }
  /** How far the failure reaches: this recipient, this message, or all mail to this next hop. */
  | { readonly kind: 'deferred'; readonly scope: 'recipient' | 'message' | 'nextHop'; readonly reply: Reply }
  /** The connection was lost after our final dot and before a reply: it may have been delivered (RFC 1047). */
  | { readonly kind: 'ambiguous'; readonly reply: Reply }
  | { readonly kind: 'bounced'; readonly reply: Reply }

export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
