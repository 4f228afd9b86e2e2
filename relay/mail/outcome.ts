/** What one delivery attempt came to, for one recipient. */
import type { Reply } from './reply.ts'

export type Outcome =
  /** `tellsNobody`: a report of success is asked for, and the next hop makes none: it is for us to make. */
  | { readonly kind: 'delivered'; readonly reply: Reply; readonly tellsNobody?: true }
  /**
   * How far the failure reaches: `recipient` this recipient, `message` this message, `here` this message at this next hop,
   * `nextHop` all mail to that next hop, `relay` all mail of this relay, `transaction` only this transaction, which ended for the sake of other recipients, or
   * had too many of them.
   */
  | {
      readonly kind: 'deferred'
      readonly scope: 'recipient' | 'message' | 'here' | 'nextHop' | 'relay' | 'transaction'
      readonly reply: Reply
    }
  /** The connection was lost after our final dot and before a reply: it may have been delivered (RFC 1047). */
  | { readonly kind: 'ambiguous'; readonly reply: Reply }
  /** `unasked`: concluded from what the next hop offers (EHLO), without having asked it; `reply` is in our words then. */
  | { readonly kind: 'bounced'; readonly reply: Reply; readonly unasked?: true }
