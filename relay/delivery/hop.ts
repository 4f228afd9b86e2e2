/** Where recipients of one message go together: by one route, and on a route to exchangers to one domain. Pure. */
import type { RouteConfig } from '../config.ts'
import { domainOf, routeOf } from '../rules/route.ts'
import type { Tracked } from './tracked.ts'

export type Hop = {
  /** Absent where no route takes them. */
  readonly route: RouteConfig | undefined
  /** As A-labels in lower case; absent on a route to smarthosts, which take recipients of all domains. */
  readonly domain: string | undefined
  /** Positions in the message. */
  readonly recipients: readonly number[]
}

export function hopsOf(routes: readonly RouteConfig[], message: Tracked, recipients: readonly number[]): Iterable<Hop> {
  if (recipients.length === 1) return [hopOf(routes, message, recipients[0] ?? -1)]
  // Of one message, all recipients of a domain have the same route.
  const hops = new Map<RouteConfig | string | undefined, Hop & { readonly recipients: number[] }>()
  for (const recipient of recipients) {
    const own = hopOf(routes, message, recipient)
    const hop = hops.get(own.domain ?? own.route)
    if (hop === undefined) hops.set(own.domain ?? own.route, own)
    else hop.recipients.push(recipient)
  }
  return hops.values()
}

function hopOf(
  routes: readonly RouteConfig[],
  { envelope, recipients }: Tracked,
  recipient: number,
): Hop & { readonly recipients: number[] } {
  const forwardPath = recipients[recipient]?.forwardPath ?? ''
  const route = routeOf(routes, envelope, forwardPath)
  const domain = route?.exchangers === undefined ? undefined : domainOf(forwardPath)
  return { route, domain, recipients: [recipient] }
}
