/** May this credential send to this forward-path? */
import { parsePath } from '../mail/address.ts'
import { refusal } from '../mail/rule.ts'
import type { SubmissionFacts } from './mail-from.ts'
import { enforcementOf, judge, type Verdict } from './verdict.ts'

/** `accepted` counts the recipients that this message has already. */
export function judgeRcptTo(facts: SubmissionFacts, forwardPath: string, accepted: number): Verdict {
  const { limits } = facts.config
  return judge(
    [
      () => (parsePath(forwardPath) ? undefined : refusal('always.syntax')),
      () => (accepted < limits.recipientsPerMessage ? undefined : refusal('admission.limits.recipientsPerMessage')),
    ],
    facts,
    enforcementOf(facts.config),
  )
}
