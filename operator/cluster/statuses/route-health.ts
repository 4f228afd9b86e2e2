/** How the routes of a fleet are, for its status: each smarthost as the relay sees it that sees it worst. Pure. */
import type { RelayReport, Smarthost } from './relay-report.ts'

type Health = 'Healthy' | 'Unproven' | 'Paused' | 'Ejected'

export type RouteHealth = {
  readonly name: string
  readonly smarthosts: readonly {
    readonly name: string
    readonly health: Health
    readonly lastReply?: NonNullable<Smarthost['lastReply']>
  }[]
}

const words: Readonly<Record<Smarthost['health'], Health>> = {
  healthy: 'Healthy',
  unproven: 'Unproven',
  paused: 'Paused',
  ejected: 'Ejected',
}
const fromWorst: readonly Smarthost['health'][] = ['ejected', 'paused', 'unproven', 'healthy']
const longestText = 200
/** The schema's limits. */
const [mostRoutes, mostSmarthosts] = [64, 16]

/**
 * `before`: what was said last. Where the reply has the same codes, its text is kept from there: some servers name each
 * attempt in it, and that is no news.
 */
export function routeHealth(
  reports: readonly Pick<RelayReport, 'smarthosts'>[],
  before: readonly RouteHealth[],
): readonly RouteHealth[] {
  const routes = Map.groupBy(
    reports.flatMap(({ smarthosts }) => smarthosts),
    ({ route }) => route,
  )
  return [...routes].slice(0, mostRoutes).map(([name, all]) => {
    const former = before.find((route) => route.name === name)?.smarthosts ?? []
    const smarthosts = [...Map.groupBy(all, (one) => one.name)].slice(0, mostSmarthosts)
    return {
      name,
      smarthosts: smarthosts.map(([one, seen]) => {
        const worst = worstOf(seen)
        const lastReply = steady(
          worst.lastReply,
          former.find((f) => f.name === one),
        )
        return { name: one, health: words[worst.health], ...(lastReply !== undefined && { lastReply }) }
      }),
    }
  })
}

/** The report that sees a smarthost worst; of equal ones, one that has a reply. */
function worstOf(seen: readonly Smarthost[]): Smarthost {
  const rank = ({ health, lastReply }: Smarthost): number =>
    2 * fromWorst.indexOf(health) + (lastReply === undefined ? 1 : 0)
  return seen.reduce((worst, one) => (rank(one) < rank(worst) ? one : worst))
}

function steady(
  reply: Smarthost['lastReply'],
  before: RouteHealth['smarthosts'][number] | undefined,
): Smarthost['lastReply'] {
  if (reply === undefined) return undefined
  const former = before?.lastReply
  const isSame = former?.code === reply.code && former.status === reply.status
  return isSame ? former : { ...reply, text: reply.text.slice(0, longestText) }
}
