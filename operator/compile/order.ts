/** The two orders of compile: by name, so that output is stable, and by age, which settles conflicts. */
import { type Name, nameOf } from './snapshot.ts'

type Named = { readonly namespace: string; readonly name: string }

/** By code unit: no locale may change what is compiled. */
export function byText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

export const byName = (a: Named, b: Named): number => byText(nameOf(a), nameOf(b))

function born(timestamp: string): number {
  const at = Date.parse(timestamp)
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at
}

type Aged = Named & { readonly creationTimestamp: string }

/** The oldest first; one that nobody stamped is the youngest; ties by namespace/name. */
export function byAge(a: Aged, b: Aged): number {
  const [first, second] = [born(a.creationTimestamp), born(b.creationTimestamp)]
  return first === second ? byName(a, b) : first - second
}

/** The namespace of a `namespace/name`. */
export const namespaceOf = (name: Name): string => name.slice(0, name.indexOf('/'))
