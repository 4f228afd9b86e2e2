/** The port of the relays' own pages: /healthz, /readyz, /status and /metrics. */
import type { RelayFleet } from './relay-fleet.ts'

/** By this name in the pods and in the headless Service. */
export const httpPortName = 'http'
const usual = 9465

/** The usual port, or the next one above it that no listener has. */
export function httpPort({ compiled }: Pick<RelayFleet, 'compiled'>): number {
  const bound = new Set(compiled.ports.map(({ target }) => target))
  const candidates = Array.from({ length: bound.size + 1 }, (_, i) => usual + i)
  return candidates.find((port) => !bound.has(port)) ?? usual
}
