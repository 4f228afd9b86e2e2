/**
 * Is an address in a list of networks? IPv4 and its form inside IPv6 (RFC 4291 section 2.5.5.2) are the same: an IPv4 address is in
 * no network of IPv6 that is larger than those of that form, as `::/1`.
 */
import { BlockList, isIP } from 'node:net'

/** A list for each family: in one for both, `::/1` would have all IPv4 addresses. */
type Lists = { readonly 4: BlockList; readonly 6: BlockList }

// By the list itself: those of a configuration never change, and with it they are collected.
const built = new WeakMap<readonly string[], Lists | undefined>()

/** Whether the address is in one of the networks; undefined where it or the list can not be read: then the caller has to refuse. */
export function contains(networks: readonly string[], client: string): boolean | undefined {
  // Nearly every list is empty, and a look-up would make an object for the address.
  if (networks.length === 0) return isIP(withoutZone(client)) === 0 ? undefined : false
  if (!built.has(networks)) built.set(networks, build(networks))
  const address = plainAddress(client)
  const family = isIP(address)
  if (family !== 4 && family !== 6) return undefined
  return built.get(networks)?.[family].check(address, familyNames[family])
}

const familyNames = { 4: 'ipv4', 6: 'ipv6' } as const

function build(networks: readonly string[]): Lists | undefined {
  const lists = { 4: new BlockList(), 6: new BlockList() }
  const added = networks.every((network) => add(lists, network))
  return added ? lists : undefined
}

/** Whether a list may have it: an address, or one and its prefix. */
export const isNetwork = (written: string): boolean => add({ 4: new BlockList(), 6: new BlockList() }, written)

function add(lists: Lists, network: string): boolean {
  const [, written = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? []
  const address = plainAddress(written)
  const family = isIP(address)
  const bits = family === 4 ? 32 : 128
  // `::ffff:192.0.2.0/120` is 192.0.2.0/24: the 96 bits in front of the IPv4 address are gone.
  const prefix = Number(digits ?? bits) - (digits !== undefined && family === 4 && isIP(written) === 6 ? 96 : 0)
  if ((family !== 4 && family !== 6) || prefix < 0 || prefix > bits) return false
  lists[family].addSubnet(address, prefix, familyNames[family])
  return true
}

/** Whether all of the network `inner` is in the network `outer`; both are written with their prefixes. */
export const isWithin = (inner: string, outer: string): boolean =>
  bitsOf(inner) >= bitsOf(outer) && contains([outer], inner.slice(0, inner.indexOf('/'))) === true

/** How many bits a network fixes, of 128: of an IPv4 network, 96 and its prefix. */
function bitsOf(network: string): number {
  const [address = '', prefix] = network.split('/')
  return Number(prefix) + (isIP(address) === 4 ? 96 : 0)
}

/** The address in its canonical form: without a zone, IPv6 as RFC 5952 writes it, and IPv4 inside IPv6 as IPv4. */
export function plainAddress(written: string): string {
  const address = withoutZone(written)
  if (isIP(address) !== 6) return address
  // The URL parser writes every form of an IPv6 address in the one of RFC 5952, in hexadecimal.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? []
  return high === undefined || low === undefined ? canonical : dotted(high, low)
}

/** `fe80::1` of `fe80::1%eth0`: the zone only names an interface of this node. */
export const withoutZone = (written: string): string =>
  written.includes('%') ? written.slice(0, written.indexOf('%')) : written

/** All eight groups of an IPv6 address in its canonical form; those that `::` stands for are `0`. */
export function groupsOf(address: string): readonly string[] {
  const [before = [], after = []] = address.split('::').map((side) => (side === '' ? [] : side.split(':')))
  const zeros = Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array<string>(zeros).fill('0'), ...after]
}

const dotted = (...halves: readonly string[]): string =>
  halves
    .map((half) => Number.parseInt(half, 16))
    .flatMap((half) => [half >> 8, half & 255])
    .join('.')
