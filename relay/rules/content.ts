/** May this credential send a message with this header? */
import { parseFrom, parseHeader } from '../mail/header.ts'
import { refusal } from '../mail/rule.ts'
import type { SubmissionFacts } from './mail-from.ts'
import { owns } from './ownership.ts'
import { enforcementOf, judge, type Verdict } from './verdict.ts'

export type HeaderVerdict = Verdict & {
  /** The domain of the visible From; empty where it could not be read. */
  readonly fromDomain: string
}

/** `header` is the block up to and with its blank line, or the whole content where it has none. */
export function judgeHeader(facts: SubmissionFacts & { readonly reversePath: string }, header: Buffer): HeaderVerdict {
  const parsed = parseHeader(header)
  const field = parsed.ok ? parsed.fields.find((f) => f.name === 'from') : undefined
  const from = parseFrom(field?.value ?? '')
  const verdict = judge(
    [
      () => (from.ok ? undefined : refusal('always.headers')),
      () => (from.ok && !owns(facts.credential, from.mailbox) ? refusal('senderRules.headerFrom') : undefined),
    ],
    facts,
    enforcementOf(facts.config),
  )
  return { ...verdict, fromDomain: from.ok ? from.mailbox.domain : '' }
}
