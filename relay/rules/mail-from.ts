/** May this credential use this reverse-path? */
import type { CredentialConfig, RelayConfig } from '../config.ts'
import { parsePath } from '../mail/address.ts'
import { refusal } from '../mail/rule.ts'
import { owns } from './ownership.ts'
import { enforcementOf, judge, type Verdict } from './verdict.ts'

export type SubmissionFacts = {
  readonly config: RelayConfig
  readonly credential: CredentialConfig
  /** The client said SMTPUTF8 with MAIL; absent is false. */
  readonly smtpUtf8?: boolean
}

/** `reversePath` is what stood between the angle brackets: empty is the null reverse-path. */
export function judgeMailFrom(facts: SubmissionFacts, reversePath: string): Verdict {
  const mailbox = parsePath(reversePath)
  return judge(
    [
      () =>
        reversePath === '' && facts.config.senderRules.nullReversePath === 'Deny'
          ? refusal('senderRules.nullReversePath')
          : undefined,
      () => (reversePath !== '' && !mailbox ? refusal('always.syntax') : undefined),
      () => (mailbox && !owns(facts.credential, mailbox) ? refusal('senderRules.envelopeFrom') : undefined),
    ],
    facts,
    enforcementOf(facts.config),
  )
}
