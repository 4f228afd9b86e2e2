/** A time as statuses and messages tell it, RFC 3339 without fractions. Pure. */
export const toTheSecond = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
