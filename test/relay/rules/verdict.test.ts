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
  ['nothing is refused', [passes, passes], enforce, { audited: [] }],
  ['the first refusal wins', [passes, refuses(first), refuses(second)], enforce, { refusal: first, audited: [] }],
  ['Audit collects', [refuses(first), refuses(second)], audit, { audited: [first, second] }],
  ['Audit collects a rule once', [refuses(first), refuses(first)], audit, { audited: [first] }],
])('%s', (_name, checks, enforcement, verdict) => {
  expect(judge(checks, undefined, enforcement)).toEqual(verdict)
})

test('an enforced refusal keeps what was audited before it', () => {
  const enforcement = (rule: RuleId): Enforcement => (rule === first.rule ? 'Audit' : 'Enforce')
  const verdict = judge([refuses(first), refuses(second)], undefined, enforcement)
  expect(verdict).toEqual({ refusal: second, audited: [first] })
})

test('nothing after an enforced refusal is looked at', () => {
  const never = () => {
    throw new Error('looked at')
  }
  expect(judge([refuses(first), never], undefined, enforce).refusal).toBe(first)
})

test('with every rule in Audit, these are audited and every other is enforced', () => {
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
