/** Inputs for a fuzz: words of a dictionary in any order, and good samples with something wrong, all drawn from one seed. */
import { seededRandom } from '../local/seeded-random.ts'

export type Dice = {
  /** An integer from 0 to below `limit`. */
  below(limit: number): number
  oneOf(values: readonly string[]): string
  /** From 0 to `most` words, one behind the other. */
  words(dictionary: readonly string[], most: number): string
  /** A sample as it is, or with up to three places where a word is put in, something is taken out, or both. */
  near(samples: readonly string[], dictionary: readonly string[]): string
  /** The same octets in pieces of 1 to 5; sometimes of 1, or of up to 1,000. */
  cut(octets: string): readonly string[]
}

export function diceOf(seed: number): Dice {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const oneOf = (values: readonly string[]): string => values[below(values.length)] ?? ''
  const words = (dictionary: readonly string[], most: number): string => {
    let text = ''
    for (let left = below(most + 1); left > 0; left -= 1) text += oneOf(dictionary)
    return text
  }
  const changed = (text: string, word: string): string => {
    const at = below(text.length + 1)
    const without = [0, 0, 1, below(4)][below(4)] ?? 0
    return text.slice(0, at) + (random() < 0.7 ? word : '') + text.slice(at + without)
  }
  return {
    below,
    oneOf,
    words,
    near(samples, dictionary) {
      let text = oneOf(samples)
      for (let left = below(4); left > 0; left -= 1) text = changed(text, oneOf(dictionary))
      return text
    },
    cut(octets) {
      const most = random() < 0.1 ? 1 : random() < 0.2 ? 1000 : 5
      const pieces: string[] = []
      for (let at = 0; at < octets.length; ) {
        const size = 1 + below(most)
        pieces.push(octets.slice(at, at + size))
        at += size
      }
      return pieces
    },
  }
}
