/** A stage is a list of named checks; its verdict is the first refusal, and what Audit would have refused. */
import type { RelayConfig } from '../config.ts'
import type { Refusal, RuleId } from '../mail/rule.ts'

export type Enforcement = 'Enforce' | 'Audit'

export type Verdict = { readonly refusal?: Refusal; readonly audited: readonly Refusal[] }

export type Check<Facts> = (facts: Facts) => Refusal | undefined

/** The first refusal by checks that are always enforced. */
export function firstRefusal<Facts>(checks: readonly Check<Facts>[], facts: Facts): Refusal | undefined {
  for (const check of checks) {
    const refused = check(facts)
    if (refused) return refused
  }
  return undefined
}

/** The first refusal wins and ends the list; a refusal by a rule in Audit is collected once in `audited`, and the list goes on. */
export function judge<Facts>(
  checks: readonly Check<Facts>[],
  facts: Facts,
  enforcement: (rule: RuleId) => Enforcement,
): Verdict {
  const audited: Refusal[] = []
  for (const check of checks) {
    const refusal = check(facts)
    if (refusal === undefined) continue
    if (enforcement(refusal.rule) === 'Enforce') return { refusal, audited }
    if (!audited.some((a) => a.rule === refusal.rule)) audited.push(refusal)
  }
  return { audited }
}

/** How a policy wants a rule; a rule that has no `enforcement` field is always enforced. */
export const enforcementOf =
  ({ senderRules }: RelayConfig) =>
  (rule: RuleId): Enforcement => {
    switch (rule) {
      case 'senderRules.envelopeFrom':
        return senderRules.envelopeFrom.enforcement
      case 'senderRules.headerFrom':
      case 'senderRules.headerFrom.displayNameAddress':
        return senderRules.headerFrom.enforcement
      case 'senderRules.alignment':
        return senderRules.alignment.enforcement
      default:
        return 'Enforce'
    }
  }
