/** May a report on undeliverable mail leave, or is it captured? Environments are apart in what comes back, too. Pure. */
import type { RelayConfig } from '../config.ts'
import { comparable, parsePath } from '../mail/address.ts'
import { isListed } from './rcpt-to.ts'

export type ReportPolicy = Pick<RelayConfig, 'environment' | 'recipients'>

/** In NonProduction it goes to no reverse-path to which the policy lets no other mail go: that may be anybody's in Audit. */
export const reportMayLeave = ({ environment, recipients }: ReportPolicy, reversePath: string): boolean =>
  environment === 'Production' || mayLeave(recipients, reversePath)

/** Whether any mail leaves to this path. */
export function mayLeave(recipients: RelayConfig['recipients'], path: string): boolean {
  const mailbox = parsePath(path)
  switch (recipients.mode) {
    case 'Unrestricted':
      return true
    case 'AllowList':
      return mailbox !== undefined && isListed(recipients, mailbox)
    case 'Redirect': {
      const only = recipients.redirectTo === undefined ? undefined : parsePath(recipients.redirectTo)
      return mailbox !== undefined && only !== undefined && comparable(mailbox) === comparable(only)
    }
    case 'Capture':
      return false
  }
}
