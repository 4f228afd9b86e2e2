/** A key that an object in YAML has twice; one walk over all keys, where the parser compares each with every one before it. */
import { type Document, isScalar, type Scalar, visit } from 'yaml'

/** The first that is there again; undefined where each is there once. */
export function repeatedKey(document: Document): Scalar | undefined {
  let found: Scalar | undefined
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<string>()
      for (const { key } of items) {
        // A merge key, which is a symbol, may be there again, as for kubectl.
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
