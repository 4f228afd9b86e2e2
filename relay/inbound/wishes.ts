/** What a transaction asks of the reports on its message, as the envelope keeps it. Pure. */
import type { ReportWishes } from '../mail/report-wishes.ts'
import type { Disposition } from './disposition.ts'
import type { Transaction } from './session.ts'

/** What is asked for a recipient is not asked for the one that the policy redirects to. */
export function wishesOf(
  { parameters: { ret, envid }, recipients }: Transaction,
  { redirectedFrom }: Disposition,
): { readonly wishes?: ReportWishes } {
  const ofRecipients = redirectedFrom === undefined ? recipients.wishes : undefined
  if (ret === undefined && envid === undefined && ofRecipients === undefined) return {}
  return {
    wishes: {
      ...(ret !== undefined && { ret }),
      ...(envid !== undefined && { envid }),
      ...(ofRecipients !== undefined && { recipients: ofRecipients }),
    },
  }
}
