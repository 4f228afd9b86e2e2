/** Dice that fall the same way for the same seed. */
import { seededRandom } from '../../local/seeded-random.ts'

export type Dice = {
  /** An integer from 0 up to but not including `n`. */
  below(n: number): number
  of<T>(all: readonly T[]): T
}

export function diceOf(seed: number): Dice {
  const next = seededRandom(seed)
  const below = (n: number): number => Math.floor(next() * n)
  return { below, of: (all) => all[below(all.length)] as (typeof all)[number] }
}
