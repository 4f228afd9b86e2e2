/** By which route each recipient of an accepted message leaves, and to whom: by the very judge that relays use. Pure. */
import type { CredentialConfig, RelayConfig, RouteConfig } from '../relay/config.ts'
import { domainOf, routeOf } from '../relay/rules/route.ts'

/** To smarthosts, or directly to the exchangers of a domain. */
export type WayOut = { readonly forwardPath: string; readonly route: string } & (
  | { readonly type: 'Smarthost'; readonly smarthosts: readonly string[] }
  | { readonly type: 'MX'; readonly domain: string }
)

export type Leaving = {
  /** Empty: the null reverse-path. */
  readonly reversePath: string
  readonly fromDomain: string
  /** Those that were accepted. */
  readonly forwardPaths: readonly string[]
}

/** Nothing where nothing leaves. */
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
