/** An operator that can be killed at any of its writes: from then on the API server hears nothing of it any more. */
import type { Connection } from '../../../operator/cluster/api/connection.ts'
import { runOperator } from '../../../operator/cluster/operator.ts'
import type { OperatorOptions } from '../../../operator/cluster/operator-options.ts'
import type { Telling } from '../../../operator/cluster/telling.ts'
import { theCluster } from '../cluster.ts'
import { type Fault, type FaultProxy, faultProxy, type Seen } from '../fault-proxy.ts'

export type OperatorProcess = {
  readonly proxy: FaultProxy
  readonly told: readonly Telling[]
  /** What happens to each request from now on. */
  fault: (request: Seen) => Fault
  /** Writes so far, the Lease's and Events' and tries excepted. */
  writes(): number
  /** The n-th write from now is done by the API server, and is the last thing that the operator does. */
  killAt(n: number): void
  /** Nothing of it reaches the API server any more, not even that it ends. */
  kill(): void
  readonly dead: boolean
  /** In good order, or what is left of it. @throws Error with which it ended before */
  stop(): Promise<void>
}

const changing = ['POST', 'PUT', 'PATCH', 'DELETE']

export const isWrite = ({ method, path, query }: Seen): boolean =>
  changing.includes(method) && !query.has('dryRun') && !/\/(leases|events)(\/|$)/.test(path)

let started = 0

/** For one namespace, which is also where its Lease and its authority are: many may run at once. */
export async function startOperator(
  namespace: string,
  options: Partial<OperatorOptions> = {},
  fault: OperatorProcess['fault'] = () => 'pass',
  as: (connection: Connection) => Connection = (connection) => connection,
): Promise<OperatorProcess> {
  const proxy: FaultProxy = await faultProxy(theCluster().access)
  const ending = new AbortController()
  const told: Telling[] = []
  let writes = 0
  let last = Number.POSITIVE_INFINITY
  let dead = false
  const kill = (): void => {
    dead = true
    ending.abort()
  }
  proxy.rule = (request) => {
    if (dead) return 'reset'
    if (!isWrite(request)) return operator.fault(request)
    writes += 1
    if (writes < last) return operator.fault(request)
    kill()
    return 'lost'
  }
  const running = runOperator(
    {
      connection: as(proxy.connection),
      namespace,
      watchNamespaces: [namespace],
      image: 'relayfleet.dev/relayfleet:killed',
      identity: `operator-${started++}-${Math.random()}`,
      tell: (telling) => told.push(telling),
      ...options,
    },
    ending.signal,
  ).catch((error: Error) => (dead ? undefined : error))
  const operator: OperatorProcess = {
    proxy,
    told,
    fault,
    writes: () => writes,
    killAt: (n) => {
      last = writes + n
    },
    kill,
    get dead() {
      return dead
    },
    async stop() {
      ending.abort()
      const error = await running
      await proxy.close()
      if (error !== undefined) throw error
    },
  }
  return operator
}
