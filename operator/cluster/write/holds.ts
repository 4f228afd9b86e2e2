/** Does what stands in the cluster hold all that was applied? The API server adds fields; it takes none away. Pure. */

/** Every field of `desired` is in `observed` with the same value; lists have the same length and order. */
export const holds = (observed: unknown, desired: unknown): boolean => firstLack(observed, desired) === undefined

/** The first field of `desired` that is otherwise in `observed`, as a path; empty where all of it is. */
export function firstLack(observed: unknown, desired: unknown): string | undefined {
  if (desired === undefined) return undefined
  if (Array.isArray(desired)) {
    if (!Array.isArray(observed) || observed.length !== desired.length) return ''
    return firstIn(desired.entries(), observed, (at) => `[${at}]`)
  }
  if (typeof desired !== 'object' || desired === null) return observed === desired ? undefined : ''
  // An empty object may be left out by the server.
  if (typeof observed !== 'object' || observed === null)
    return Object.keys(desired).length === 0 && observed === undefined ? undefined : ''
  return firstIn(Object.entries(desired), observed, (key) => `.${key}`)
}

function firstIn<K extends string | number>(
  desired: Iterable<readonly [K, unknown]>,
  observed: object,
  step: (key: K) => string,
): string | undefined {
  for (const [key, value] of desired) {
    const lack = firstLack((observed as Record<K, unknown>)[key], value)
    if (lack !== undefined) return `${step(key)}${lack}`
  }
  return undefined
}
