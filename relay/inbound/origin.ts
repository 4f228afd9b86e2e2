/** What the limits per client count as one client: an IPv4 address, or the /64 of an IPv6 one, in which it may take any address. */
import { isIP, isIPv4 } from 'node:net'
import { groupsOf, plainAddress } from '../rules/networks.ts'

/** From 2000:: on, the lower half of an address names an interface (RFC 4291 section 2.5.1); addresses below have no such half. */
const firstWithInterfaces = 0x2000

/** `192.0.2.1`, `2001:db8:0:1::/64`, or below 2000:: the address itself; a zone (`%eth0`) is no part of it. */
export function originOf(client: string): string {
  if (isIPv4(client)) return client
  const address = plainAddress(client)
  if (isIP(address) !== 6) return address
  const groups = groupsOf(address)
  if (Number.parseInt(groups[0] ?? '', 16) < firstWithInterfaces) return address
  return `${groups.slice(0, 4).join(':')}::/64`
}
