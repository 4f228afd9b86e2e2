/** Is an address in a list of networks? IPv4 and its form inside IPv6 (RFC 4291 section 2.5.5.2) are the same. */
import { BlockList, isIP } from 'node:net'

// A configuration is a value: its lists never change, and leave with it.
const built = new WeakMap<readonly string[], BlockList | undefined>()

/** Undefined where the address or the list can not be read: then nobody knows, and the caller refuses. */
export function contains(networks: readonly string[], client: string): boolean | undefined {
  // Nearly every list is empty, and an address that is looked up takes an object of its own.
  if (networks.length === 0) return isIP(withoutZone(client)) === 0 ? undefined : false
  if (!built.has(networks)) built.set(networks, build(networks))
  const address = plainAddress(client)
  const family = isIP(address)
  return family === 0 ? undefined : built.get(networks)?.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function build(networks: readonly string[]): BlockList | undefined {
  const list = new BlockList()
  const added = networks.every((network) => add(list, network))
  return added ? list : undefined
}

function add(list: BlockList, network: string): boolean {
  const [, written = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? []
  const address = plainAddress(written)
  const family = isIP(address)
  const bits = family === 4 ? 32 : 128
  // The 96 bits in front of an IPv4 address inside IPv6 are no part of the network any more.
  const prefix = Number(digits ?? bits) - (digits !== undefined && family === 4 && isIP(written) === 6 ? 96 : 0)
  if (family === 0 || prefix < 0 || prefix > bits) return false
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  return true
}

/** Of two networks with their prefixes: whether all of the first is in the second. */
export const isWithin = (inner: string, outer: string): boolean =>
  bitsOf(inner) >= bitsOf(outer) && contains([outer], inner.slice(0, inner.indexOf('/'))) === true

/** That a network fixes; inside IPv6 an IPv4 address has 96 more. */
function bitsOf(network: string): number {
  const [address = '', prefix] = network.split('/')
  return Number(prefix) + (isIP(address) === 4 ? 96 : 0)
}

/** Without a zone (`fe80::1%eth0`), and IPv4 where it is IPv4 inside IPv6. */
export function plainAddress(written: string): string {
  const address = withoutZone(written)
  if (isIP(address) !== 6) return address
  // The URL parser writes every form of an IPv6 address in the one of RFC 5952, in hexadecimal.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? []
  return high === undefined || low === undefined ? canonical : dotted(high, low)
}

/** `fe80::1%eth0` names an interface of this node. */
export const withoutZone = (written: string): string =>
  written.includes('%') ? written.slice(0, written.indexOf('%')) : written

const dotted = (...halves: readonly string[]): string =>
  halves
    .map((half) => Number.parseInt(half, 16))
    .flatMap((half) => [half >> 8, half & 255])
    .join('.')
