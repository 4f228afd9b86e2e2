/** The two orders of compile: by name, so that output is stable, and by age, which settles conflicts. */
import { nameOf } from './snapshot.ts'

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

/** An object without a creationTimestamp is the youngest; objects of the same age are ordered by namespace/name. */
export const oldestFirst = <T>(items: readonly T[], objectOf: (item: T) => Aged): readonly T[] =>
  items
    .map((item) => {
      const object = objectOf(item)
      return { item, at: born(object.creationTimestamp), name: nameOf(object) }
    })
    .toSorted((a, b) => (a.at === b.at ? byText(a.name, b.name) : a.at - b.at))
    .map(({ item }) => item)
