/** Time as Leases and Events want it: RFC 3339 with six digits after the second. */

export const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')
