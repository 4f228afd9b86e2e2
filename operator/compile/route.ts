/** Compiles routes: with the credentials that their selectors choose, and the files that their smarthosts need. */
import { durationMs } from '../../crds/duration.ts'
import { exchangerBounds } from '../../crds/route.ts'
import { isCatchAll } from '../../crds/route-rules.ts'
import type { RouteConfig, SmarthostConfig } from '../../relay/config.ts'
import type { References, Resolved } from './references.ts'
import { selects } from './selector.ts'
import { authAt, serverFiles, tlsTo } from './server.ts'
import type { Policy } from './snapshot.ts'

type Route = Policy['spec']['routes'][number]
type Smarthost = Route['smarthosts'][number]

/** A credential of the fleet: routes choose it by its labels, or, where those are not known, as they chose it before. */
export type Member = {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  /** Names of the routes that chose it before. */
  readonly routesBefore: readonly string[]
}

const chosen = (route: Route, member: Member): boolean => {
  const selector = route.match?.credentialSelector
  if (selector === undefined) return false
  return member.labels === undefined ? member.routesBefore.includes(route.name) : selects(selector, member.labels)
}

const matchOf = (route: Route, members: readonly Member[]): Pick<RouteConfig, 'match'> => {
  if (isCatchAll(route)) return {}
  const { senderDomains = [], recipientDomains = [], credentialSelector } = route.match ?? {}
  const credentials = members.filter((m) => chosen(route, m)).map((m) => m.name)
  return {
    match: { senderDomains, recipientDomains, ...(credentialSelector === undefined ? {} : { credentials }) },
  }
}

const smarthostConfig = (smarthost: Smarthost): SmarthostConfig => {
  const { name, host, port, priority, maxConnections } = smarthost
  return { name, host, port, tls: tlsTo(smarthost), ...authAt(smarthost), priority, maxConnections }
}

export const routeConfig = (route: Route, members: readonly Member[]): RouteConfig => ({
  name: route.name,
  ...matchOf(route, members),
  smarthosts: route.smarthosts.map(smarthostConfig),
  ...(route.type === 'MX' && { exchangers: route.exchangers ?? exchangerBounds }),
  retry: {
    scheduleMs: route.retry.schedule.map(durationMs),
    expireAfterMs: durationMs(route.retry.expireAfter),
  },
})

/** The files that a policy's smarthosts need. */
export const routeFiles = (policy: Policy, references: References): readonly Resolved[] =>
  policy.spec.routes.flatMap((route, r) =>
    route.smarthosts.flatMap((smarthost, s) =>
      serverFiles(smarthost, policy.namespace, `spec.routes[${r}].smarthosts[${s}]`, references),
    ),
  )
