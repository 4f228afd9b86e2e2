/** How long some clients waited: the median, and the 99th percentile. */

export type Waits = { readonly messages: number; readonly p50Ms: number; readonly p99Ms: number }

/** `times` are in milliseconds; the result is rounded to a hundredth of one. */
export function waitsOf(times: readonly number[]): Waits {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100
  return { messages: times.length, p50Ms: at(0.5), p99Ms: at(0.99) }
}
