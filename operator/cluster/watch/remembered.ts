/** Remembers what was derived from some arrays, and derives it anew only when one of them is another array. */

export function remembered<T, R>(lists: () => readonly (readonly T[])[], derive: (all: readonly T[]) => R): () => R {
  let last: { readonly of: readonly (readonly T[])[]; readonly is: R } | undefined
  return () => {
    const now = lists()
    const isOld = last !== undefined && last.of.length === now.length && now.every((list, i) => list === last?.of[i])
    if (last === undefined || !isOld) last = { of: now, is: derive(now.flat()) }
    return last.is
  }
}
