/**
 * Memoises a value that follows from an object and some facts: when one of ten thousand credentials changes, the others are not
 * judged again, and an unchanged value stays the same object, which is cheap to compare. Compile remains a pure function:
 * only frozen objects are remembered, and those can not have changed since.
 */
import { isDeepStrictEqual } from 'node:util'
import { packed } from './packed.ts'

type Last<T> = { readonly facts: readonly unknown[]; readonly is: T }

export function unchanged<K extends object, T>(): (of: K, facts: readonly unknown[], make: () => T) => T {
  const remembered = new WeakMap<K, Last<T>>()
  return (of, facts, make) => {
    if (!Object.isFrozen(of)) return make()
    const last = remembered.get(of)
    if (last !== undefined && sameFacts(last.facts, facts)) return last.is
    const made = make()
    // Other facts may lead to an equal value: then the old object is returned, so that it is not in memory twice.
    const is = last !== undefined && isDeepStrictEqual(last.is, made) ? last.is : made
    remembered.set(of, { facts: packed(facts), is })
    return is
  }
}

function sameFacts(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false
  return true
}
