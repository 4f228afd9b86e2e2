/** May a report on undeliverable mail (a DSN) leave, or is it captured? A test environment keeps its reports in, too. Pure. */
import type { RelayConfig } from '../config.ts'
import { comparable, parsePath } from '../mail/address.ts'
import { isListed } from './rcpt-to.ts'

export type ReportPolicy = Pick<RelayConfig, 'environment' | 'recipients'>

/**
 * In NonProduction a DSN goes only where the policy lets mail go: with envelopeFrom in Audit, the reverse-path may be a
 * stranger's.
 */
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
