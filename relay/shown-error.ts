/** An error as the log shows it: its kind, what it says and where it was thrown, with its causes, and what Node tells beside, as `code`. */

export function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return isSayable(error) ? error : undefined
  const all = withCauses(error)
  const told = {
    type: error.constructor.name,
    message: all.flatMap(({ message }, i) => (all[i - 1]?.message.endsWith(message) ? [] : [message])).join(': '),
    stack: all.map(({ stack }) => stack).join('\ncaused by: '),
    ...(error instanceof AggregateError && { aggregateErrors: error.errors.map(shownError) }),
  }
  const beside = Object.entries(error).filter(([key, value]) => !(key in told) && isSayable(value))
  return { ...told, ...Object.fromEntries(beside) }
}

/** The error first; causes may go round in a circle. */
function withCauses(error: Error): Error[] {
  const all = new Set<Error>()
  for (let next: unknown = error; next instanceof Error && !all.has(next); next = next.cause) all.add(next)
  return [...all]
}

/** What can not be said in JSON must not keep the rest from being told. */
function isSayable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}
