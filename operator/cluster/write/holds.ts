/** Does what stands in the cluster hold all that was applied? The API server adds fields; it takes none away. Pure. */

/** Every field of `desired` is in `observed` with the same value; lists have the same length and order. */
export const holds = (observed: unknown, desired: unknown): boolean => firstLack(observed, desired) === undefined

/** The first field of `desired` that is otherwise in `observed`, as a path; empty where all of it is. */
export function firstLack(observed: unknown, desired: unknown): string | undefined {
  if (desired === undefined) return undefined
  if (Array.isArray(desired)) {
    if (!Array.isArray(observed) || observed.length !== desired.length) return ''
    return firstIn(desired.map((item, i) => [`[${i}]`, observed[i], item]))
  }
  if (typeof desired !== 'object' || desired === null) return observed === desired ? undefined : ''
  // An empty object may be left out by the server.
  if (typeof observed !== 'object' || observed === null)
    return Object.keys(desired).length === 0 && observed === undefined ? undefined : ''
  const has = observed as Record<string, unknown>
  return firstIn(Object.entries(desired).map(([key, value]) => [`.${key}`, has[key], value]))
}

function firstIn(
  fields: readonly (readonly [step: string, observed: unknown, desired: unknown])[],
): string | undefined {
  for (const [step, observed, desired] of fields) {
    const lack = firstLack(observed, desired)
    if (lack !== undefined) return `${step}${lack}`
  }
  return undefined
}
