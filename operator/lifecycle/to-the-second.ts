/** A time as it is written in statuses and messages: RFC 3339 without fractions of a second. Pure. */
export const toTheSecond = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
