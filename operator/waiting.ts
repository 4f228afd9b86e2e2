/** How many messages wait at a relay, by the queue that it reports: due, deferred, and in flight. Pure. */
import type { RelayStatus } from '../relay/http.ts'

export const waitingIn = ({ ready, deferred, inFlight }: RelayStatus['queue']): number => ready + deferred + inFlight
