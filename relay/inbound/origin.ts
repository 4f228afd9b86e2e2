/** Whom the limits per client count: an IPv4 address, or all of an IPv6 client's network, in which it has any address it likes. */
import { isIP, isIPv4 } from 'node:net'
import { plainAddress } from '../rules/networks.ts'

/** The half of an address that names an interface (RFC 4291 section 2.5.1); an address that begins with 000 has none. */
const firstWithInterfaces = 0x2000

export function originOf(client: string): string {
  if (isIPv4(client)) return client
  const address = plainAddress(client)
  if (isIP(address) !== 6) return address
  const groups = groupsOf(address)
  if (Number.parseInt(groups[0] ?? '', 16) < firstWithInterfaces) return address
  return `${groups.slice(0, 4).join(':')}::/64`
}

/** All eight, of an address in the form of RFC 5952. */
function groupsOf(address: string): readonly string[] {
  const [before = [], after = []] = address.split('::').map((side) => (side === '' ? [] : side.split(':')))
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}
