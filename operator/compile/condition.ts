/** Conditions out of findings: one of each type, the worst one first, every message of that status in it. */
import type { Condition, Finding } from './compiled.ts'

const order = ['Accepted', 'ResolvedRefs', 'Programmed', 'DKIMValid', 'RotationInProgress', 'Suspended', 'Expired']

/** In the order in which a person should look at them. */
export const inOrder = (found: readonly Finding[]): readonly Finding[] =>
  found.toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type))

const worst = ['False', 'Unknown', 'True'] as const

function conditionOf(type: string, found: readonly Finding[]): readonly Condition[] {
  const status = worst.find((w) => found.some((f) => f.status === w))
  const same = found.filter((f) => f.status === status)
  const [first] = same
  if (first === undefined) return []
  const message = [...new Set(same.map((f) => f.message))].join('; ').slice(0, maxMessage)
  return [{ type, status: first.status, reason: first.reason, message }]
}

/** The schema's limit of a message. */
const maxMessage = 32_768

export const conditionsOf = (found: readonly Finding[]): readonly Condition[] =>
  order.flatMap((type) =>
    conditionOf(
      type,
      found.filter((f) => f.type === type),
    ),
  )
