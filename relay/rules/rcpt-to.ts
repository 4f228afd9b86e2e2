/** May this credential send to this forward-path? */
import type { RelayConfig } from '../config.ts'
import { comparable, isAscii, type Mailbox, mailboxInstead, parsePath } from '../mail/address.ts'
import { refusal } from '../mail/rule.ts'
import type { SubmissionFacts } from './mail-from.ts'
import { type Check, enforcementOf, judge, type Verdict } from './verdict.ts'

type RcptToFacts = SubmissionFacts & {
  readonly forwardPath: string
  readonly mailbox: Mailbox | undefined
  readonly accepted: number
}

const asciiUnlessAgreed: Check<RcptToFacts> = ({ forwardPath, smtpUtf8 }) =>
  smtpUtf8 || isAscii(forwardPath) ? undefined : refusal('always.utf8')

// RFC 5321 sections 4.1.1.3 and 4.5.1 want `postmaster` without a domain taken where there are mailboxes; here are none.
const hasDomain: Check<RcptToFacts> = ({ forwardPath }) =>
  forwardPath.toLowerCase() === 'postmaster'
    ? refusal('always.syntax', 'no mailbox is at this relay: write postmaster@domain, with the domain that is meant')
    : undefined

const isMailbox: Check<RcptToFacts> = ({ mailbox, forwardPath }) =>
  mailbox ? undefined : refusal('always.syntax', `the forward-path is no plain ${mailboxInstead(forwardPath)}`)

const withinLimit: Check<RcptToFacts> = ({ accepted, config: { limits } }) =>
  accepted < limits.recipientsPerMessage ? undefined : refusal('admission.limits.recipientsPerMessage')

// `user%other.t@corp.t` and `other.t!user@corp.t` name a second domain, to which some hosts of corp.t would send on.
const namesOneDomain = ({ localPart }: Mailbox): boolean => !/[%!@]/.test(localPart)

const allowedByPolicy: Check<RcptToFacts> = ({ config: { recipients }, mailbox }) => {
  if (recipients.mode !== 'AllowList' || !mailbox) return undefined
  return isListed(recipients, mailbox) ? undefined : refusal('recipients.allow')
}

/** Whether `recipients.allow` lists the mailbox, by its domain or by its address. */
export function isListed({ domains, addresses }: RelayConfig['recipients'], mailbox: Mailbox): boolean {
  const address = comparable(mailbox)
  if (addresses.some((a) => a.toLowerCase() === address)) return true
  return domains.includes(mailbox.domain) && namesOneDomain(mailbox)
}

const allowedByCredential: Check<RcptToFacts> = ({ credential: { recipientDomains }, mailbox }) => {
  if (recipientDomains.length === 0 || !mailbox) return undefined
  const listed = recipientDomains.includes(mailbox.domain)
  return listed && namesOneDomain(mailbox) ? undefined : refusal('credential.recipients')
}

const rcptToChecks: readonly Check<RcptToFacts>[] = [
  asciiUnlessAgreed, //   RFC 6531 section 3.5
  hasDomain,
  isMailbox, //           RFC 5321 section 4.1.2, without routes and literals
  withinLimit, //         RFC 5321 section 4.5.3.1.10: the rest comes in another message
  allowedByPolicy, //     Capture and Redirect accept every mailbox, since nothing leaves to it
  allowedByCredential, // narrows in every mode
]

/** `forwardPath` is what stood between the angle brackets; `accepted`: how many other recipients the message has already. */
export const judgeRcptTo = (
  facts: SubmissionFacts,
  forwardPath: string,
  accepted: number,
  mailbox = parsePath(forwardPath),
): Verdict => judge(rcptToChecks, { ...facts, forwardPath, mailbox, accepted }, enforcementOf(facts.config))
