/**
 * Makes conditions from findings: one for each type, with the worst status found, and the messages of all findings of that
 * status.
 */
import { longestMessage } from '../../crds/fields.ts'
import type { Condition, Finding } from './compiled.ts'
import { packed } from './packed.ts'

const order = ['Accepted', 'ResolvedRefs', 'Programmed', 'DKIMValid', 'RotationInProgress', 'Suspended', 'Expired']

/** In the order in which a person should look at them. */
export const inOrder = (found: readonly Finding[]): readonly Finding[] =>
  found.toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type))

const worst = ['False', 'Unknown', 'True'] as const

function conditionOf(found: readonly Finding[]): readonly Condition[] {
  const status = worst.find((w) => found.some((f) => f.status === w))
  const same = found.filter((f) => f.status === status)
  const [first] = same
  if (first === undefined) return []
  return [same.length === 1 ? alone(first) : together(first, same)]
}

const together = ({ type, status, reason }: Finding, same: readonly Finding[]): Condition => ({
  type,
  status,
  reason,
  message: [...new Set(same.map((f) => f.message))].join('; ').slice(0, longestMessage),
})

const known = new WeakMap<Finding, Condition>()

/** A finding that ten thousand objects share becomes one condition object, which they share too. */
function alone(finding: Finding): Condition {
  const condition = known.get(finding) ?? together(finding, [finding])
  known.set(finding, condition)
  return condition
}

export const conditionsOf = (found: readonly Finding[]): readonly Condition[] =>
  packed(order.flatMap((type) => conditionOf(found.filter((f) => f.type === type))))
