/** How many messages a relay has, by what it reports of its queue: due, put off, and under way. Pure. */
import type { RelayStatus } from '../relay/http.ts'

export const waitingIn = ({ ready, deferred, inFlight }: RelayStatus['queue']): number => ready + deferred + inFlight
