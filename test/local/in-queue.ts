/** How many messages a relay has, by its own status. */
import type { RelayStatus } from '../../relay/http.ts'

export const inQueue = ({ queue: { ready, deferred, inFlight } }: Pick<RelayStatus, 'queue'>): number =>
  ready + deferred + inFlight
