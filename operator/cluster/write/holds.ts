/** Does what stands in the cluster hold all that was applied? The API server adds fields; it takes none away. Pure. */

/** Every field of `desired` is in `observed` with the same value; lists have the same length and order. */
export function holds(observed: unknown, desired: unknown): boolean {
  if (desired === undefined) return true
  if (Array.isArray(desired)) {
    return (
      Array.isArray(observed) &&
      observed.length === desired.length &&
      desired.every((item, i) => holds(observed[i], item))
    )
  }
  if (typeof desired !== 'object' || desired === null) return observed === desired
  // An empty object may be left out by the server.
  if (typeof observed !== 'object' || observed === null)
    return Object.keys(desired).length === 0 && observed === undefined
  return Object.entries(desired).every(([key, value]) => holds((observed as Record<string, unknown>)[key], value))
}
