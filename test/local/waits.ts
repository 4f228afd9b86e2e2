/** How long some waited: the middle one, and the one of a hundred that waited longest. */

export type Waits = { readonly messages: number; readonly p50Ms: number; readonly p99Ms: number }

/** To a hundredth of a millisecond. */
export function waitsOf(times: readonly number[]): Waits {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100
  return { messages: times.length, p50Ms: at(0.5), p99Ms: at(0.99) }
}
