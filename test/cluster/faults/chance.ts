/** Dice that fall the same way for the same seed (the generator mulberry32). */

export type Dice = {
  /** An integer from 0 up to but not including `n`. */
  below(n: number): number
  of<T>(all: readonly T[]): T
}

export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return { below, of: (all) => all[below(all.length)] as (typeof all)[number] }
}
