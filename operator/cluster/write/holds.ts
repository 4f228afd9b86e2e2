/** Does what stands in the cluster hold all that was applied? The API server adds fields; it takes none away. Pure. */

/** With one word more than is applied they choose others: here the API server adds nothing, so whatever is there beside is somebody's. */
const choosing = new Set(['selector', 'podSelector', 'ingress', 'egress'])

/** Every field of `desired` is in `observed` with the same value, and what chooses has no other; lists have the same length and order. */
export const holds = (observed: unknown, desired: unknown): boolean => firstLack(observed, desired) === undefined

/** The first field of `desired` that is otherwise in `observed`, as a path; empty where all of it is. */
export function firstLack(observed: unknown, desired: unknown, exactly = false): string | undefined {
  if (desired === undefined) return undefined
  if (Array.isArray(desired)) {
    if (!Array.isArray(observed) || observed.length !== desired.length) return ''
    return firstIn(desired.entries(), observed, (at) => `[${at}]`, exactly)
  }
  if (typeof desired !== 'object' || desired === null) return observed === desired ? undefined : ''
  if (typeof observed !== 'object' || observed === null) return isLeftOut(observed, desired) ? undefined : ''
  if (exactly && hasMore(observed, desired)) return ''
  return firstIn(Object.entries(desired), observed, (key) => `.${key}`, exactly)
}

/** An empty object may be left out by the server. */
const isLeftOut = (observed: unknown, desired: object): boolean =>
  observed === undefined && Object.keys(desired).length === 0

const hasMore = (observed: object, desired: object): boolean =>
  Object.keys(observed).some((key) => (desired as Record<string, unknown>)[key] === undefined)

function firstIn<K extends string | number>(
  desired: Iterable<readonly [K, unknown]>,
  observed: object,
  step: (key: K) => string,
  exactly: boolean,
): string | undefined {
  for (const [key, value] of desired) {
    const lack = firstLack((observed as Record<K, unknown>)[key], value, exactly || choosing.has(String(key)))
    if (lack !== undefined) return `${step(key)}${lack}`
  }
  return undefined
}
