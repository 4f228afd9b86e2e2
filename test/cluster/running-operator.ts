/** Runs a whole operator until the test ends, with the rights that the chart gives, through a proxy to the API server. */

import { runOperator } from '../../operator/cluster/operator.ts'
import { onTestFinished } from '../own-test.ts'
import { theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import type { InstalledChart } from './installed-chart.ts'

/** `rule` is what the proxy does from the first request on. */
export async function runningOperator(
  chart: InstalledChart,
  watched: string,
  rule?: FaultProxy['rule'],
): Promise<FaultProxy> {
  const proxy = await faultProxy(theCluster().access)
  if (rule !== undefined) proxy.rule = rule
  const ending = new AbortController()
  const options = {
    connection: chart.asOperator(proxy.connection),
    namespace: chart.namespace,
    watchNamespaces: [watched],
    image: 'relayfleet.dev/relayfleet:test',
    identity: watched,
    tell: () => undefined,
    timing: { lookMs: 300, issuerMs: 300 },
  }
  const running = runOperator(options, ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await running
    await proxy.close()
  })
  return proxy
}
