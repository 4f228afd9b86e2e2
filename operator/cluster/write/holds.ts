/** Whether an object in the cluster has all that was applied: the API server adds fields, and takes none away. Pure. */

/**
 * In these fields, which select pods or traffic, one more entry means something else, and the API server adds none by itself:
 * what is there beside ours was put there by somebody.
 */
const choosing = new Set(['selector', 'podSelector', 'ingress', 'egress'])

/**
 * Whether every field of `desired` is in `observed` with the same value, lists with the same length and order; and in the
 * fields above nothing else.
 */
export const holds = (observed: unknown, desired: unknown): boolean => firstLack(observed, desired) === undefined

/**
 * The path of the first field of `desired` that is not so in `observed`, as `.spec.ports[0]`, and empty where that is all of
 * it; undefined where every field is. `exactly`: nothing else may be there.
 */
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

/** The API server may leave out an empty object. */
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
