/** Finds a duplicate key in YAML in linear time; the parser's own check compares each key with every one before it. */
import { type Document, isScalar, type Scalar, visit } from 'yaml'

/** The first key that repeats an earlier one of the same object; undefined where there is none. */
export function repeatedKey(document: Document): Scalar | undefined {
  let found: Scalar | undefined
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<string>()
      for (const { key } of items) {
        // A merge key (`<<`, read as a symbol) may be repeated, as kubectl allows it.
        if (!isScalar(key) || typeof key.value === 'symbol') continue
        const name = String(key.value)
        if (seen.has(name)) {
          found = key
          return visit.BREAK
        }
        seen.add(name)
      }
      return undefined
    },
  })
  return found
}
