/** A DNS zone as a table, as own name servers and resolvers show it; names that are not in it do not exist. */
import type { Answer, Lookup, View } from '../../../operator/lifecycle/answer.ts'

export type Zone = Readonly<Record<string, readonly string[] | Answer>>

export const unknown = (why: string): Answer => ({ is: 'unknown', why })

/** Keys are `TXT example.org`; a value is a list of records, or a whole answer. */
export const lookupIn =
  (zone: Zone): Lookup =>
  ({ type, name }) => {
    const found = zone[`${type} ${name}`]
    if (found === undefined) return { is: 'absent' }
    return Array.isArray(found) ? { is: 'records', records: found, ttl: 300, authenticated: false } : (found as Answer)
  }

export const own = (zone: Zone, server = 'ns1'): View => ({ server, authoritative: true, lookup: lookupIn(zone) })
/** A name server of the zone `its`, which speaks for no name outside of it. */
export const ownOf = (its: string, zone: Zone): View => ({ ...own(zone, `ns of ${its}`), zone: its })
export const resolver = (zone: Zone, server = 'resolver'): View => ({
  server,
  authoritative: false,
  lookup: lookupIn(zone),
})
