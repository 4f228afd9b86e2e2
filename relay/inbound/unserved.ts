/** Why the listener of a session does not serve it any more: an open session keeps nothing that a new one would not get. */
import { type Refusal, refusal } from '../mail/rule.ts'
import { certificateLacking } from './client-certificate.ts'
import type { Inbound } from './inbound.ts'
import type { Session } from './session.ts'

/** Undefined: it does. Asked from the connection on, before TLS as well. */
export const unserved = (inbound: Inbound, session: Session): Refusal | undefined =>
  versionOutdated(inbound, session) ?? certificateLacking(inbound, session)

/** The handshake was made before a reload raised the oldest version. Where the configuration does not name the listener, it goes on. */
function versionOutdated({ inForce }: Inbound, { listener, tls }: Session): Refusal | undefined {
  if (tls !== 'TLSv1.2') return undefined
  const its = inForce().config.listeners.find(({ name }) => name === listener)
  return its?.tls.minVersion === '1.3' ? refusal('listeners.tls.minVersion') : undefined
}
