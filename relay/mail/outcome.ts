/** What one delivery attempt came to, for one recipient. */
import type { Reply } from './reply.ts'

export type Outcome =
  | { readonly kind: 'delivered'; readonly reply: Reply }
  /**
   * How far the failure reaches: this recipient, this message, this message at this next hop, or all mail to that; or only this
   * transaction, which ended for what others in it were refused, or since they were too many.
   */
  | {
      readonly kind: 'deferred'
      readonly scope: 'recipient' | 'message' | 'here' | 'nextHop' | 'transaction'
      readonly reply: Reply
    }
  /** The connection was lost after our final dot and before a reply: it may have been delivered (RFC 1047). */
  | { readonly kind: 'ambiguous'; readonly reply: Reply }
  /** `unasked`: by what the next hop offers, and not by its reply. */
  | { readonly kind: 'bounced'; readonly reply: Reply; readonly unasked?: true }

export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
