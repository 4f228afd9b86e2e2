/** Translates what relays report of the use of keys into the operator's own clock, and clients into networks. Pure. */
import { isIPv4 } from 'node:net'
import type { RelayUsage } from '../relay/http.ts'
import { groupsOf, plainAddress } from '../relay/rules/networks.ts'
import type { KeyUse } from './lifecycle/keys.ts'

/** A relay's answer, and when it was asked, in milliseconds since the epoch by our own clock. */
export type Told = { readonly askedAt: number; readonly usage: Pick<RelayUsage, 'now' | 'keys'> }

/** `client` is the address; statuses show only its network. */
export type ClientUse = KeyUse & { readonly client: string }

/** By credential, and then by key id: the latest use that any relay saw. */
export type Uses = ReadonlyMap<string, ReadonlyMap<string, ClientUse>>

export function usesIn(told: readonly Told[], before: Uses = new Map()): Uses {
  const found = new Map([...before].map(([name, keys]) => [name, new Map(keys)] as const))
  for (const { askedAt, usage } of told) {
    const itsNow = Date.parse(usage.now)
    for (const { name, key, at, client } of usage.keys) {
      // The relay's clock may be an hour off, but the time between the use and its answer is right.
      const ago = Math.max(0, itsNow - Date.parse(at))
      const use: ClientUse = { at: askedAt - ago, network: networkOf(client), client }
      const keys = found.get(name) ?? new Map<string, ClientUse>()
      if (use.at > (keys.get(key)?.at ?? Number.NEGATIVE_INFINITY)) keys.set(key, use)
      found.set(name, keys)
    }
  }
  return found
}

/** The part of a client's address that is shown: its /24 of IPv4, or its /64 of IPv6. */
export function networkOf(client: string): string {
  const address = plainAddress(client)
  if (isIPv4(address)) return `${address.replace(/\d+$/, '0')}/24`
  const first = groupsOf(address).slice(0, 4).join(':')
  return `${first.replace(/(^|:)0(:0)*$/, '')}::/64`
}
