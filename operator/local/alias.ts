/** Finds a YAML alias without an anchor, which is usually text that begins with * and lacks its quotes. */
import { type Document, isPair, isScalar, isSeq, visit } from 'yaml'
import type { Path } from '../../crds/field-path.ts'

/** The path of the first such alias; undefined where every alias has its anchor. */
export function lostAlias(document: Document): Path | undefined {
  let found: Path | undefined
  visit(document, {
    Alias(_key, alias, above) {
      if (alias.resolve(document) !== undefined) return undefined
      found = [...above, alias].flatMap((node, i) => stepBelow(above[i - 1], node))
      return visit.BREAK
    },
  })
  return found
}

function stepBelow(parent: unknown, node: unknown): Path {
  if (isPair(node) && isScalar(node.key)) return [String(node.key.value)]
  return isSeq(parent) ? [parent.items.indexOf(node)] : []
}
