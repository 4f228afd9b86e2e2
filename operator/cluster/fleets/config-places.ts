/**
 * Which Secret takes which part of a configuration, and in which order, so that a whole one is there after each write:
 * the relays read it, and so does the operator that comes after a crash. Pure.
 */
import { indexFile, onePiece } from '../../../relay/config-text.ts'

/** The keys of each Secret that is the fleet's. */
export type Held = ReadonlyMap<string, readonly string[]>

export type Placing = {
  /** In the order of writing. Those that hold their part already come first. */
  readonly write: readonly { readonly key: string; readonly name: string }[]
  /** To be removed after that. */
  readonly surplus: readonly string[]
}

/**
 * `keys` as `splitText` has them: the last one is the head, with which all of it is there. `names` may be used, whether
 * there is one of that name or not. While there is room for the parts before and after, nothing is written over what is
 * needed; above, the last parts are, and for that moment only the relays know what was.
 * @throws Error when there are more parts than names
 */
export function placed(keys: readonly string[], held: Held, names: readonly string[]): Placing {
  if (names.length < keys.length) throw new Error(`${keys.length} parts, and only ${names.length} names are left`)
  const head = placeOfHead(held, names)
  const others = names.filter((name) => name !== head)
  const write = [...placesOfParts(keys.slice(0, -1), held, others), { key: keys.at(-1) ?? '', name: head }]
  const used = new Set(write.map((w) => w.name))
  return { write, surplus: [...held.keys()].filter((name) => names.includes(name) && !used.has(name)) }
}

const heads = [onePiece, indexFile]

/** Nothing of a configuration is there. */
const isFree = (held: Held, name: string): boolean => !(held.get(name) ?? []).some((key) => key.startsWith(onePiece))
const holds = (held: Held, name: string, key: string): boolean => held.get(name)?.includes(key) ?? false

/** Over the one that is there: two of them would be two configurations. */
const placeOfHead = (held: Held, names: readonly string[]): string =>
  names.find((n) => heads.some((key) => holds(held, n, key))) ?? names.find((n) => isFree(held, n)) ?? names[0] ?? ''

function placesOfParts(keys: readonly string[], held: Held, names: readonly string[]): Placing['write'] {
  const there = keys.flatMap((key) => {
    const name = names.find((n) => holds(held, n, key))
    return name === undefined ? [] : [{ key, name }]
  })
  const taken = new Set(there.map((t) => t.name))
  const open = names.filter((n) => !taken.has(n)).toSorted((a, b) => costOf(held, a) - costOf(held, b))
  const missing = keys.filter((key) => !there.some((t) => t.key === key))
  return [...there, ...missing.map((key, i) => ({ key, name: open[i] ?? '' }))]
}

/** What is lost by writing there: nothing, or a part of what was. */
const costOf = (held: Held, name: string): number => (isFree(held, name) ? 0 : 1)
