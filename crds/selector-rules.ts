/** The rules for every label selector: one that gives consent must name a label, and its expressions must be well-formed. */
import type { labelSelector, namespaces } from './fields.ts'
import type { CrossFieldRule, FromSchema } from './schema.ts'

export type Selector = FromSchema<typeof labelSelector>
export type Namespaces = FromSchema<typeof namespaces>

/** `wellFormed` in CEL; `selector` is the path to the selector, e.g. `self.admission.selector`. */
export const wellFormedCel = (selector: string): string =>
  `(!has(${selector}.matchExpressions) || ${selector}.matchExpressions.all(e, (e.operator in ['In', 'NotIn']) == (has(e.values) && e.values.size() > 0)))`

export const wellFormed = (selector: Selector): boolean =>
  (selector.matchExpressions ?? []).every(
    (e) => (e.operator === 'In' || e.operator === 'NotIn') === (e.values ?? []).length > 0,
  )

export const wellFormedMessage =
  'in matchExpressions, In and NotIn need values, and Exists and DoesNotExist must have none'

const namesALabel = (selector: Selector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length > 0 || (selector?.matchExpressions ?? []).length > 0

/** For a field that gives consent, like `spec.allowedNamespaces`; `of` reads it. */
export function consentRules<Spec>(field: string, of: (spec: Spec) => Namespaces): readonly CrossFieldRule<Spec>[] {
  const consent = field.replace('spec', 'self')
  const selector = `${consent}.selector`
  const some = (list: string): string => `(has(${selector}.${list}) && ${selector}.${list}.size() > 0)`
  return [
    {
      field: `${field}.selector`,
      cel: `${consent}.from != 'Selector' || (has(${selector}) && (${some('matchLabels')} || ${some('matchExpressions')}))`,
      message:
        'from: Selector needs a selector that names at least one label; an empty one would admit every namespace',
      holds: (s) => of(s).from !== 'Selector' || namesALabel(of(s).selector),
    },
    {
      field: `${field}.selector`,
      cel: `${consent}.from == 'Selector' || !has(${selector})`,
      message: 'only from: Selector uses a selector: set from to Selector, or take the selector away',
      holds: (s) => of(s).from === 'Selector' || of(s).selector === undefined,
    },
    {
      field: `${field}.selector`,
      cel: `!has(${selector}) || ${wellFormedCel(selector)}`,
      message: wellFormedMessage,
      holds: (s) => wellFormed(of(s).selector ?? {}),
    },
  ]
}
