/** An operator that can be killed at any of its writes: from then on the API server hears nothing of it any more. */
import { runOperator } from '../../../operator/cluster/operator.ts'
import { theCluster } from '../cluster.ts'
import { type FaultProxy, faultProxy, type Seen } from '../fault-proxy.ts'

export type OperatorProcess = {
  /** Writes so far, the Lease's and Events' and tries excepted. */
  writes(): number
  /** The n-th write from now is done by the API server, and is the last thing that the operator does. */
  killAt(n: number): void
  readonly dead: boolean
  /** In good order, or what is left of it. */
  stop(): Promise<void>
}

const changing = ['POST', 'PUT', 'PATCH', 'DELETE']

const isWrite = ({ method, path, query }: Seen): boolean =>
  changing.includes(method) && !query.has('dryRun') && !/\/(leases|events)(\/|$)/.test(path)

/** For one namespace, which is also where its Lease and its authority are: many may run at once. */
export async function startOperator(namespace: string): Promise<OperatorProcess> {
  const proxy: FaultProxy = await faultProxy(theCluster().access)
  const ending = new AbortController()
  let writes = 0
  let last = Number.POSITIVE_INFINITY
  let dead = false
  proxy.rule = (request) => {
    if (dead) return 'reset'
    if (!isWrite(request)) return 'pass'
    writes += 1
    if (writes < last) return 'pass'
    dead = true
    ending.abort()
    return 'lost'
  }
  const running = runOperator(
    {
      connection: proxy.connection,
      namespace,
      watchNamespaces: [namespace],
      image: 'relayfleet.dev/relayfleet:killed',
      identity: `killed-${Math.random()}`,
      tell: () => undefined,
    },
    ending.signal,
  ).catch((error: Error) => {
    if (!dead) throw error
  })
  return {
    writes: () => writes,
    killAt: (n) => {
      last = writes + n
    },
    get dead() {
      return dead
    },
    async stop() {
      ending.abort()
      await running
      await proxy.close()
    },
  }
}
