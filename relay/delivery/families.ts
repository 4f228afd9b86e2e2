/** Addresses of IPv6 and IPv4 in turn, so that neither has to wait for all of the other (RFC 8305 section 4). */
import type { LookupAddress } from 'node:dns'

/** Begins with the family of the first; within a family the order stays. */
export function familiesInTurn(addresses: readonly LookupAddress[]): LookupAddress[] {
  const isOfFirst = ({ family }: LookupAddress): boolean => family === addresses[0]?.family
  const first = addresses.filter(isOfFirst)
  const second = addresses.filter((one) => !isOfFirst(one))
  return [...first.flatMap((one, i) => [one, ...second.slice(i, i + 1)]), ...second.slice(first.length)]
}
