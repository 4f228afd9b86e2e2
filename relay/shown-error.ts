/**
 * An error as the log shows it: type, message and stack, all with those of its causes, and further fields such as Node's `code`.
 */

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

/** The error and its causes, each once: causes may form a circle. */
function withCauses(error: Error): Error[] {
  const all = new Set<Error>()
  for (let next: unknown = error; next instanceof Error && !all.has(next); next = next.cause) all.add(next)
  return [...all]
}

/** Whether JSON can say it: a field that it can not say must not keep the rest of the error from the log. */
function isSayable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}
