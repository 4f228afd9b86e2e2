/** Label selectors with the semantics of Kubernetes: every label and every expression has to hold. */
import type { Selector } from '../../crds/selector-rules.ts'

type Labels = Readonly<Record<string, string>>
type Expression = NonNullable<Selector['matchExpressions']>[number]

const operators: Readonly<
  Record<Expression['operator'], (value: string | undefined, values: readonly string[]) => boolean>
> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
}

// Own properties only: a label may be named `constructor`, which every object inherits.
const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined

/** An empty selector selects everything. Where that would give consent to all, the rules of the kinds refuse it. */
export const selects = (selector: Selector, labels: Labels): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labelOf(labels, key) === value) &&
  (selector.matchExpressions ?? []).every((e) => operators[e.operator](labelOf(labels, e.key), e.values ?? []))
