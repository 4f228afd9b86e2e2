/** Whether two statuses say the same; the API server may keep conditions in an order of its own. Pure. */
import { sameJson } from './same-json.ts'

type Status = Readonly<Record<string, unknown>>

export const sameStatus = (a: Status, b: Status): boolean => sameJson(a, b) || sameJson(inOrder(a), inOrder(b))

const typeOf = (condition: unknown): string => String((condition as { readonly type?: unknown } | null)?.type)

function inOrder(status: Status): Status {
  const { conditions } = status
  if (!Array.isArray(conditions)) return status
  return { ...status, conditions: conditions.toSorted((a, b) => (typeOf(a) < typeOf(b) ? -1 : 1)) }
}
