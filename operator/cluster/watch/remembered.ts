/** Something derived from lists that are other lists whenever they change: derived anew only then. */

export function remembered<T, R>(lists: () => readonly (readonly T[])[], derive: (all: readonly T[]) => R): () => R {
  let last: { readonly of: readonly (readonly T[])[]; readonly is: R } | undefined
  return () => {
    const now = lists()
    const isOld = last !== undefined && last.of.length === now.length && now.every((list, i) => list === last?.of[i])
    if (last === undefined || !isOld) last = { of: now, is: derive(now.flat()) }
    return last.is
  }
}
