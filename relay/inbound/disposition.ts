/** Whether a message is relayed, redirected or captured: decided by `recipients.mode` at its acceptance, and never again. Pure. */
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
      // Without an address to redirect to, the safe thing is that nothing leaves.
      return recipients.redirectTo === undefined
        ? { disposition: 'capture', forwardPaths }
        : { disposition: 'relay', forwardPaths: [recipients.redirectTo], redirectedFrom: forwardPaths }
  }
}
