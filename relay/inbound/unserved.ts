/** Why the listener of a session does not serve it any more: an open session keeps nothing that a new one would not get. */
import { type Refusal, refusal } from '../mail/rule.ts'
import { certificateLacking, listenerOf } from './client-certificate.ts'
import type { Inbound } from './inbound.ts'
import type { Session } from './session.ts'

/** Undefined: it does. Asked from the connection on, before TLS as well. */
export const unserved = (inbound: Inbound, session: Session): Refusal | undefined =>
  versionOutdated(inbound, session) ?? certificateLacking(inbound, session)

/** The handshake was made before a reload raised the oldest version. Where the configuration does not name the listener, it goes on. */
function versionOutdated({ inForce }: Inbound, session: Session): Refusal | undefined {
  if (session.tls !== 'TLSv1.2') return undefined
  const { minVersion } = listenerOf(inForce().config, session)?.tls ?? {}
  return minVersion === '1.3' ? refusal('listeners.tls.minVersion') : undefined
}
