/** Reads values out of what another program said: each is as it should be, or an error names the field. Pure. */

/**
 * The most items of a list and letters of a text, so that a relay can fill neither a status, nor an Event, nor the memory.
 */
const mostItems = 64
const mostLetters = 500

export const bad = (field: string, what: string): never => {
  throw new Error(`${field} is not ${what}`)
}

export const record = (value: unknown, field: string): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : bad(field, 'an object')

/** Without control characters, which would reach the terminal of the person that reads the status. */
export const text = (value: unknown, field: string): string =>
  typeof value === 'string' ? value.slice(0, mostLetters).replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ') : bad(field, 'a text')

export const flag = (value: unknown, field: string): boolean =>
  typeof value === 'boolean' ? value : bad(field, 'true or false')

export const amount = (value: unknown, field: string): number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : bad(field, 'an amount')

/** Milliseconds since the epoch. */
export function moment(value: unknown, field: string): number {
  const at = Date.parse(text(value, field))
  return Number.isNaN(at) ? bad(field, 'a date and time') : at
}

export const items = (value: unknown, field: string, most = mostItems): readonly unknown[] =>
  Array.isArray(value) && value.length <= most ? value : bad(field, 'a list of that length')

export const texts = (value: unknown, field: string): readonly string[] =>
  items(value, field).map((v) => text(v, field))
