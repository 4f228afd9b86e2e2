/** What relay and operator tell alike of themselves as programs: Node's own metrics, and of which version they are. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { version } from './version.ts'

// Gauges that prom-client names `_total`, which promtool refuses in a gauge; they say nothing that our own metrics do not.
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export function programRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  new Gauge({
    name: 'relayfleet_build_info',
    help: 'Always 1; its label says of which version of relayfleet this program is.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1)
  return registry
}
