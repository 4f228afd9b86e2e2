/** The ServiceMonitor by which the Prometheus operator, where there is one, scrapes the relays. */
import { httpPortName } from './http-port.ts'
import { labelsOf, metadataOf, selectorOf } from './labels.ts'
import type { Manifest } from './manifest.ts'
import type { RelayFleet } from './relay-fleet.ts'

/**
 * Selects only the headless Service: a listener in the clients' Service may be named `http` as well, and would be scraped, too.
 */
const scraped = (fleet: RelayFleet) => {
  const component = 'app.kubernetes.io/component'
  return { ...selectorOf(fleet.name).matchLabels, [component]: labelsOf(fleet.name, 'relay-pods')[component] }
}

export const serviceMonitor = (fleet: RelayFleet): Manifest | undefined =>
  fleet.cluster.serviceMonitors
    ? {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'ServiceMonitor',
        metadata: metadataOf(fleet.name),
        spec: {
          selector: { matchLabels: scraped(fleet) },
          endpoints: [{ port: httpPortName, path: '/metrics', interval: '30s' }],
        },
      }
    : undefined
