/**
 * A value that follows from an object and some facts, made once for the very same ones: ten thousand credentials are not
 * judged anew because one of them changed, and what is the same value is the same object for whoever compares. Compile
 * stays a function of values all the same: only a frozen object is remembered, so it says today what it said before.
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
    // Other facts may say the same: then nobody who holds the value has another one beside it.
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
