/** What this program is, told on both pages of metrics: during an upgrade, who is of which version. */
import { Gauge, type Registry } from 'prom-client'
import packageJson from '../package.json' with { type: 'json' }

export const { version } = packageJson

export function addBuildInfo(registry: Registry): void {
  new Gauge({
    name: 'relayfleet_build_info',
    help: 'Always 1; its label says of which version of relayfleet this program is.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1)
}
