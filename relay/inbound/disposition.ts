/** What the policy makes of the recipients, once and for all at acceptance (`recipients.mode`). Pure. */
import type { RelayConfig } from '../config.ts'
import type { Envelope } from '../mail/envelope.ts'

export type Disposition = Pick<Envelope, 'disposition' | 'forwardPaths' | 'redirectedFrom'>

export function dispositionOf(recipients: RelayConfig['recipients'], forwardPaths: readonly string[]): Disposition {
  switch (recipients.mode) {
    case 'Unrestricted':
    case 'AllowList':
      return { disposition: 'relay', forwardPaths }
    case 'Capture':
      return { disposition: 'capture', forwardPaths }
    case 'Redirect':
      // Without an address to redirect to, nothing leaves.
      return recipients.redirectTo === undefined
        ? { disposition: 'capture', forwardPaths }
        : { disposition: 'relay', forwardPaths: [recipients.redirectTo], redirectedFrom: forwardPaths }
  }
}
