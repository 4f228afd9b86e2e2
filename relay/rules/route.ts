/** Which route a recipient takes: the first that matches wins. Pure. */
import { domainToASCII } from 'node:url'
import type { RouteConfig } from '../config.ts'
import type { Envelope } from '../mail/envelope.ts'

type Sender = Pick<Envelope, 'reversePath' | 'fromDomain' | 'credential'>

export function routeOf(routes: readonly RouteConfig[], sender: Sender, forwardPath: string): RouteConfig | undefined {
  if (routes[0]?.match === undefined) return routes[0]
  const mail = { credential: sender.credential, from: senderDomain(sender), to: domainOf(forwardPath) }
  return routes.find(({ match }) => match === undefined || matches(match, mail))
}

/**
 * The route that every message of this credential takes; undefined where it depends on the message's sender or recipient domain.
 */
export function routeOfAll(routes: readonly RouteConfig[], credential: string): RouteConfig | undefined {
  const first = routes.find(({ match }) => match?.credentials === undefined || match.credentials.includes(credential))
  const asksMore =
    first?.match !== undefined && first.match.senderDomains.length + first.match.recipientDomains.length > 0
  return asksMore ? undefined : first
}

/** What routes match by; both domains are in the form of the configuration (`domainOf`). */
type Mail = { readonly credential: string; readonly from: string; readonly to: string }

/**
 * Every list that is given must match. An empty list of domains is one that was not given; an empty one of credentials matches
 * none.
 */
function matches(match: NonNullable<RouteConfig['match']>, { credential, from, to }: Mail): boolean {
  return (
    (match.credentials === undefined || match.credentials.includes(credential)) &&
    (match.senderDomains.length === 0 || match.senderDomains.includes(from)) &&
    (match.recipientDomains.length === 0 || match.recipientDomains.includes(to))
  )
}

/** The domain of the reverse-path; the null reverse-path has none, so that of the visible From. */
const senderDomain = ({ reversePath, fromDomain }: Sender): string =>
  reversePath === '' ? domainOf(`@${fromDomain}`) : domainOf(reversePath)

/** An address's domain as A-labels in lower case, the form of the configuration. */
export function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  return /[^\x00-\x7f]/.test(domain) ? domainToASCII(domain) : domain
}
