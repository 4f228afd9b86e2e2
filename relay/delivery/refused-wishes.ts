/** Whether a next hop that offers DSN refused what is asked of reports, and no recipient: without it, the mail may be taken. Pure. */
import type { Outcome } from '../mail/outcome.ts'
import type { Reply } from '../mail/reply.ts'
import { isPositive, type Transaction } from './client.ts'

/** What was asked by MAIL, and by RCPT for each forward-path; empty or undefined where nothing was. */
export type Asked = { readonly byMail: string; readonly byRcpt: readonly string[] | undefined }

/** `i`: the place of the recipient whose outcome it is. */
export function isOfWishes(
  outcome: Outcome,
  { mail, rcpt }: Transaction,
  { byMail, byRcpt }: Asked,
  i: number,
): boolean {
  if (outcome.kind !== 'bounced' || !isOfParameters(outcome.reply)) return false
  if (!isPositive(mail)) return byMail !== ''
  const answer = rcpt[i]
  return answer !== undefined && !isPositive(answer) && byRcpt?.[i] !== undefined && byRcpt[i] !== ''
}

/**
 * 501, 504 and 555 (RFC 5321 section 4.2.4, RFC 3461 section 4), unless the status is that of an address. Postfix: `501 5.5.4 Bad ORCPT
 * parameter syntax`; OpenSMTPD: `553 ORCPT address syntax error`.
 */
const isOfParameters = ({ code, status, text }: Reply): boolean =>
  ((code === 501 || code === 504 || code === 555) && /^5\.(5\.\d+|0\.0)$/.test(status)) ||
  /\b(RET|ENVID|NOTIFY|ORCPT|DSN)\b/.test(text)
