/**
 * Which Secret takes which part of a configuration, and in which order they are written, so that after each write a whole
 * configuration is there: for the relays, and for the operator that reads it after a crash. Pure.
 */
import { indexFile, onePiece } from '../../../relay/config-text.ts'

/** The keys of each Secret that is the fleet's. */
export type Held = ReadonlyMap<string, readonly string[]>

export type Placing = {
  /** In the order of writing; Secrets that hold their part already come first. */
  readonly write: readonly { readonly key: string; readonly name: string }[]
  /** To be removed after that. */
  readonly surplus: readonly string[]
}

/**
 * `keys` are those of the parts as `splitText` has them. The last one is the head: with it, the configuration is there.
 * `names` are those that may be used, whether a Secret of that name exists or not. While there are names enough for the parts
 * before and after, no part that is needed is overwritten. Where there are not, the last parts are, and until the head is
 * written only the relays know the configuration before.
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

/** Whether the Secret of that name holds nothing of a configuration. */
const isFree = (held: Held, name: string): boolean => !(held.get(name) ?? []).some((key) => key.startsWith(onePiece))
const holds = (held: Held, name: string, key: string): boolean => held.get(name)?.includes(key) ?? false

/** The name that holds a head already, since two heads would be two configurations. */
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

/** What is lost by writing there: 0 for nothing, 1 for a part of the configuration before. */
const costOf = (held: Held, name: string): number => (isFree(held, name) ? 0 : 1)
