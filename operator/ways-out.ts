/**
 * By which route, and to which next hop, each recipient of an accepted message leaves, by the same judge that relays use. Pure.
 */
import type { CredentialConfig, RelayConfig, RouteConfig } from '../relay/config.ts'
import { domainOf, routeOf } from '../relay/rules/route.ts'

/** One recipient's way: to smarthosts, or directly to the exchangers of a domain. */
export type WayOut = { readonly forwardPath: string; readonly route: string } & (
  | { readonly type: 'Smarthost'; readonly smarthosts: readonly string[] }
  | { readonly type: 'MX'; readonly domain: string }
)

export type Leaving = {
  /** Empty: the null reverse-path. */
  readonly reversePath: string
  readonly fromDomain: string
  /** The accepted recipients. */
  readonly forwardPaths: readonly string[]
}

/** Empty where nothing leaves, e.g. captured mail. */
export function waysOut(
  { recipients, routes }: RelayConfig,
  credential: CredentialConfig,
  { forwardPaths, ...sender }: Leaving,
): readonly WayOut[] {
  const leaving = { ...sender, credential: credential.name }
  return recipientsOf(recipients, forwardPaths).flatMap((forwardPath) => {
    const route = routeOf(routes, leaving, forwardPath)
    return route === undefined ? [] : [wayOf(route, forwardPath)]
  })
}

function recipientsOf({ mode, redirectTo }: RelayConfig['recipients'], forwardPaths: readonly string[]) {
  if (mode === 'Capture') return []
  return mode === 'Redirect' ? [redirectTo].filter((path) => path !== undefined) : forwardPaths
}

const wayOf = ({ name: route, exchangers, smarthosts }: RouteConfig, forwardPath: string): WayOut =>
  exchangers === undefined
    ? { forwardPath, route, type: 'Smarthost', smarthosts: smarthosts.map((s) => s.name) }
    : { forwardPath, route, type: 'MX', domain: domainOf(forwardPath) }
