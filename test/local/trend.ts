/** How a series of samples develops in the long run, without the ups and downs that collections of garbage make. Pure. */

export type Sample = { readonly atMs: number; readonly value: number }

const hourMs = 3_600_000

/** The lowest sample of each span of time: for a heap, about what was left after a collection. */
export function lows(samples: readonly Sample[], spanMs: number): readonly Sample[] {
  const lowest = new Map<number, Sample>()
  for (const sample of samples) {
    const span = Math.floor(sample.atMs / spanMs)
    const known = lowest.get(span)
    if (known === undefined || sample.value < known.value) lowest.set(span, sample)
  }
  return [...lowest.values()]
}

/** The median of the slopes between any two samples, an hour (Theil and Sen): single outliers do not move it. */
export function slopePerHour(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((a, i) =>
    samples.slice(i + 1).map((b) => ((b.value - a.value) / (b.atMs - a.atMs)) * hourMs),
  )
  return slopes.toSorted((a, b) => a - b)[Math.trunc(slopes.length / 2)] ?? 0
}
