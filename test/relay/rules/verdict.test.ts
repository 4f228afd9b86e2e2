/** How a list of checks becomes a verdict: the first refusal that is enforced wins, and those in Audit are collected. */
import { expect, test } from 'vitest'
import { type RuleId, refusal, rules } from '../../../relay/mail/rule.ts'
import { type Enforcement, enforcementOf, judge } from '../../../relay/rules/verdict.ts'
import { policy, senderRules } from '../policy.ts'

const [first, second] = [refusal('senderRules.envelopeFrom'), refusal('senderRules.alignment')]
const refuses = (r: typeof first) => () => r
const passes = () => undefined
const enforce = (): Enforcement => 'Enforce'
const audit = (): Enforcement => 'Audit'

test.each([
  ['where no check refuses, nothing is refused', [passes, passes], enforce, { audited: [] }],
  [
    'of several refusals that are enforced the first one wins',
    [passes, refuses(first), refuses(second)],
    enforce,
    { refusal: first, audited: [] },
  ],
  ['refusals in Audit are collected', [refuses(first), refuses(second)], audit, { audited: [first, second] }],
  ['refusals in Audit are collected once for each rule', [refuses(first), refuses(first)], audit, { audited: [first] }],
])('%s', (_name, checks, enforcement, verdict) => {
  expect(judge(checks, undefined, enforcement)).toEqual(verdict)
})

test('an enforced refusal keeps what was audited before it', () => {
  const enforcement = (rule: RuleId): Enforcement => (rule === first.rule ? 'Audit' : 'Enforce')
  const verdict = judge([refuses(first), refuses(second)], undefined, enforcement)
  expect(verdict).toEqual({ refusal: second, audited: [first] })
})

test('no check behind an enforced refusal is run', () => {
  const never = () => {
    throw new Error('looked at')
  }
  expect(judge([refuses(first), never], undefined, enforce).refusal).toBe(first)
})

test('with all senderRules in Audit, four rules are audited and every other one is enforced', () => {
  const all = senderRules({
    envelopeFrom: { enforcement: 'Audit' },
    headerFrom: { enforcement: 'Audit', displayNameAddress: 'Reject' },
    alignment: { enforcement: 'Audit', mode: 'Strict' },
  })
  const enforcement = enforcementOf(policy({ senderRules: all }))
  const audited = (Object.keys(rules) as RuleId[]).filter((rule) => enforcement(rule) === 'Audit')
  expect(audited).toEqual([
    'senderRules.envelopeFrom',
    'senderRules.headerFrom',
    'senderRules.headerFrom.displayNameAddress',
    'senderRules.alignment',
  ])
})
