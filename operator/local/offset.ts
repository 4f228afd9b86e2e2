/** Finds where a field is written in a YAML document. */
import { type Document, isAlias, isCollection, isMap, isNode, isScalar, isSeq } from 'yaml'
import type { Path } from '../../crds/field-path.ts'

type Step = { readonly key: unknown; readonly value: unknown }

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

function stepInto(document: Document, node: unknown, step: string | number): Step | undefined {
  const here = isAlias(node) ? node.resolve(document) : node
  if (isMap(here)) return here.items.find((pair) => isScalar(pair.key) && pair.key.value === step)
  if (isSeq(here)) return { key: undefined, value: here.items[Number(step)] }
  return undefined
}

/** A scalar is reported at its own place; a collection or an empty value at its key. */
const standsAtKey = (value: unknown): boolean => isCollection(value) || (isScalar(value) && value.value === null)

/** The offset of the field in the text, or of its nearest ancestor that is written there. */
export function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const part of path) {
    const step = stepInto(document, node, part)
    if (step?.value === undefined) return offset
    offset = (standsAtKey(step.value) ? startOf(step.key) : undefined) ?? startOf(step.value) ?? offset
    node = step.value
  }
  return offset
}
