/** Reads a line of a relay's log. Pure. */

export type Fields = Readonly<Record<string, unknown>>

/** Undefined where the line is not from the relay's log, but from Node itself, e.g. of a crash. */
export function fieldsIn(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}
