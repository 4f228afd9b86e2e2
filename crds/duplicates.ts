/**
 * Finds duplicates in lists of type map (two entries with one name) and set (the same entry twice), which an API server refuses
 * too.
 */
import type { Path } from './field-path.ts'
import type { Schema } from './schema.ts'

export type Duplicate = { readonly path: Path; readonly name: string; readonly mend: string }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The name as text; the object is not validated yet, so what stands in its place may be of any type, or missing. */
const written = (name: unknown): string => (typeof name === 'string' ? name : (JSON.stringify(name) ?? ''))

function inList(keys: readonly string[], value: readonly unknown[], path: Path): readonly Duplicate[] {
  const seen = new Set<string>()
  const found: Duplicate[] = []
  for (const [i, entry] of value.entries()) {
    const name =
      keys.length === 0 ? written(entry) : keys.map((k) => (isObject(entry) ? written(entry[k]) : '')).join('/')
    const mend = keys.length === 0 ? 'remove one of the two' : 'give each entry a name of its own'
    if (seen.has(name)) found.push({ path: [...path, i, ...keys.slice(0, 1)], name, mend })
    seen.add(name)
  }
  return found
}

/** Every duplicate in a value, which may still violate the schema in other ways. `path` is where the value stands. */
export function duplicates(schema: Schema, value: unknown, path: Path): readonly Duplicate[] {
  if (schema.type === 'array' && Array.isArray(value)) {
    const keys = schema['x-kubernetes-list-map-keys'] ?? []
    const here = keys.length > 0 || schema['x-kubernetes-list-type'] === 'set' ? inList(keys, value, path) : []
    return [...here, ...value.flatMap((entry, i) => duplicates(schema.items, entry, [...path, i]))]
  }
  if (schema.type === 'object' && 'properties' in schema && isObject(value)) {
    return Object.entries(schema.properties).flatMap(([field, inner]) =>
      duplicates(inner, value[field], [...path, field]),
    )
  }
  return []
}
