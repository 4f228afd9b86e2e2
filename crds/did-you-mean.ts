/** Guesses which known word a mistyped one was meant to be. */

/** The edit distance: how many insertions, deletions, replacements and swaps of neighbours turn one word into the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const steps = [at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)]
      rows[i]?.push(Math.min(...steps, swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY))
    }
  }
  return at(a.length, b.length)
}

/** The nearest known word; undefined where none is near: at most a third of its letters, or one, may differ. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((k) => ({ k, far: distance(word.slice(0, 64).toLowerCase(), k.toLowerCase()) }))
    .filter(({ k, far }) => far <= Math.max(1, Math.floor(k.length / 3)))
    .toSorted((x, y) => x.far - y.far)
  return ranked[0]?.k
}
