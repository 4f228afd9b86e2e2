/** An operator that can be killed at any of its writes; the API server hears nothing of it after that. */
import type { Connection } from '../../../operator/cluster/api/connection.ts'
import { runOperator } from '../../../operator/cluster/operator.ts'
import type { OperatorOptions } from '../../../operator/cluster/operator-options.ts'
import type { Telling } from '../../../operator/cluster/telling.ts'
import { theCluster } from '../cluster.ts'
import { type Fault, type FaultProxy, faultProxy, type Seen } from '../fault-proxy.ts'

export type OperatorProcess = {
  readonly proxy: FaultProxy
  readonly told: readonly Telling[]
  /** Decides what happens to each request from now on. */
  fault: (request: Seen) => Fault
  /** The number of writes so far, without those of its Lease, Events and dry runs. */
  writes(): number
  /** The API server still does the n-th write from now on, and it is the last thing that the operator does. */
  killAt(n: number): void
  /** From now on, nothing of it reaches the API server, not even that it gives up the Lease. */
  kill(): void
  readonly dead: boolean
  /**
   * Ends it in order, or what is left of it after a kill.
   * @throws Error that it ended with, unless it was killed
   */
  stop(): Promise<void>
}

const changing = ['POST', 'PUT', 'PATCH', 'DELETE']

export const isWrite = ({ method, path, query }: Seen): boolean =>
  changing.includes(method) && !query.has('dryRun') && !/\/(leases|events)(\/|$)/.test(path)

let started = 0

/** Starts an operator for one namespace, which also has its Lease and its authority, so that many can run at the same time. */
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
