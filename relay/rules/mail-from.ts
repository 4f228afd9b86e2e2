/** May this credential use this reverse-path? */
import type { CredentialConfig, RelayConfig } from '../config.ts'
import { isAscii, type Mailbox, mailboxInstead, parsePath } from '../mail/address.ts'
import { refusal } from '../mail/rule.ts'
import { owns } from './ownership.ts'
import { type Check, enforcementOf, judge, type Verdict } from './verdict.ts'

export type SubmissionFacts = {
  readonly config: RelayConfig
  readonly credential: CredentialConfig
  /** The client said SMTPUTF8 with MAIL; absent is false. */
  readonly smtpUtf8?: boolean
}

type MailFromFacts = SubmissionFacts & { readonly reversePath: string; readonly mailbox: Mailbox | undefined }

const asciiUnlessAgreed: Check<MailFromFacts> = ({ reversePath, smtpUtf8 }) =>
  smtpUtf8 || isAscii(reversePath) ? undefined : refusal('always.utf8')

const nullOnlyWhereAllowed: Check<MailFromFacts> = ({ reversePath, config }) =>
  reversePath === '' && config.senderRules.nullReversePath === 'Deny'
    ? refusal('senderRules.nullReversePath')
    : undefined

const isMailbox: Check<MailFromFacts> = ({ reversePath, mailbox }) =>
  reversePath === '' || mailbox
    ? undefined
    : refusal('always.syntax', `the reverse-path is no plain ${mailboxInstead(reversePath)}`)

const ownsReversePath: Check<MailFromFacts> = ({ credential, mailbox }) =>
  mailbox && !owns(credential, mailbox) ? refusal('senderRules.envelopeFrom') : undefined

const mailFromChecks: readonly Check<MailFromFacts>[] = [
  asciiUnlessAgreed, //    RFC 6531 section 3.5
  nullOnlyWhereAllowed, // only a credential that sends bounces needs the null reverse-path
  isMailbox, //            RFC 5321 section 4.1.2, without routes and literals
  ownsReversePath, //      a credential sends only as its own
]

/** `reversePath` is what stood between the angle brackets: empty is the null reverse-path. */
export const judgeMailFrom = (facts: SubmissionFacts, reversePath: string): Verdict =>
  judge(mailFromChecks, { ...facts, reversePath, mailbox: parsePath(reversePath) }, enforcementOf(facts.config))
