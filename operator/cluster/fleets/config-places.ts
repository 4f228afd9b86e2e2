/**
 * Which Secret takes which part of a configuration, and in which order, so that a whole one is there after each write:
 * the relays read it, and so does the operator that comes after a crash. Pure.
 */

/** The file in one piece; it goes before parts (relay/config-text.ts). */
const onePiece = 'relay.json'

/** The keys of each Secret that is the fleet's. */
export type Held = ReadonlyMap<string, readonly string[]>

export type Placing = {
  /** In the order of writing. Those that hold their part already come first. */
  readonly write: readonly { readonly key: string; readonly name: string }[]
  /** To be removed after that. */
  readonly surplus: readonly string[]
}

/**
 * `names` may be used, whether there is one of that name or not. Up to half of them are enough for the configuration
 * before and after; above, the last ones are written over what was, and for that moment only the relays know it.
 * @throws Error when there are more parts than names
 */
export function placed(keys: readonly string[], held: Held, names: readonly string[]): Placing {
  const write = keys.length === 1 ? [{ key: keys[0] ?? '', name: placeOfOne(held, names) }] : inParts(keys, held, names)
  const used = new Set(write.map((w) => w.name))
  return { write, surplus: [...held.keys()].filter((name) => names.includes(name) && !used.has(name)) }
}

/** Nothing of a configuration is there. */
const isFree = (held: Held, name: string): boolean => !(held.get(name) ?? []).some((key) => key.startsWith(onePiece))
const holds = (held: Held, name: string, key: string): boolean => held.get(name)?.includes(key) ?? false

/** Over the one that is there: two of them would be one file twice. */
const placeOfOne = (held: Held, names: readonly string[]): string => {
  const name = names.find((n) => holds(held, n, onePiece)) ?? names.find((n) => isFree(held, n)) ?? names[0]
  if (name === undefined) throw new Error('no name is left')
  return name
}

function inParts(keys: readonly string[], held: Held, names: readonly string[]): Placing['write'] {
  const there = keys.flatMap((key) => {
    const name = names.find((n) => holds(held, n, key))
    return name === undefined ? [] : [{ key, name }]
  })
  const taken = new Set(there.map((t) => t.name))
  const open = names.filter((n) => !taken.has(n)).toSorted((a, b) => costOf(held, a) - costOf(held, b))
  const missing = keys.filter((key) => !there.some((t) => t.key === key))
  if (missing.length > open.length) throw new Error(`${keys.length} parts, and only ${names.length} names are left`)
  return [...there, ...missing.map((key, i) => ({ key, name: open[i] ?? '' }))]
}

/** What is lost by writing there: nothing, a part of what was, all of it. */
const costOf = (held: Held, name: string): number => (isFree(held, name) ? 0 : holds(held, name, onePiece) ? 2 : 1)
