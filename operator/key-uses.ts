/** What relays tell of the use of keys, as whoever decides understands it: by his own clock, and of networks. Pure. */
import { isIPv4 } from 'node:net'
import type { RelayUsage } from '../relay/http.ts'
import { plainAddress } from '../relay/rules/networks.ts'
import type { KeyUse } from './lifecycle/keys.ts'

/** What a relay answered, and when it was asked: milliseconds since the epoch by the clock of whoever asked. */
export type Told = { readonly askedAt: number; readonly usage: Pick<RelayUsage, 'now' | 'keys'> }

/** `client`: an address, of which only the network is shown. */
export type ClientUse = KeyUse & { readonly client: string }

/** By credential and key; of several relays, whoever saw it last. */
export type Uses = ReadonlyMap<string, ReadonlyMap<string, ClientUse>>

export function usesIn(told: readonly Told[], before: Uses = new Map()): Uses {
  const found = new Map([...before].map(([name, keys]) => [name, new Map(keys)] as const))
  for (const { askedAt, usage } of told) {
    const itsNow = Date.parse(usage.now)
    for (const { name, key, at, client } of usage.keys) {
      // Its clock may be an hour off; how long ago it was, it knows.
      const ago = Math.max(0, itsNow - Date.parse(at))
      const use: ClientUse = { at: askedAt - ago, network: networkOf(client), client }
      const keys = found.get(name) ?? new Map<string, ClientUse>()
      if (use.at > (keys.get(key)?.at ?? Number.NEGATIVE_INFINITY)) keys.set(key, use)
      found.set(name, keys)
    }
  }
  return found
}

/** As much of a client as is shown: /24 of IPv4, /64 of IPv6. */
export function networkOf(client: string): string {
  const address = plainAddress(client)
  if (isIPv4(address)) return `${address.replace(/\d+$/, '0')}/24`
  return `${firstGroups(address)}::/64`
}

/** The four groups of an IPv6 address that make its network, without the zeros at their end. */
function firstGroups(address: string): string {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4)
  return groups.join(':').replace(/(^|:)0(:0)*$/, '')
}
