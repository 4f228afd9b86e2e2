/** A session's client certificate: whether its listener requires a better one, and whether AUTH EXTERNAL could succeed by it. */
import type { ListenerConfig, RelayConfig } from '../config.ts'
import type { SessionFacts } from '../events.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { certificateNow } from '../rules/certificate.ts'
import { certificateTroubles, namedBy } from '../rules/login.ts'
import type { Inbound } from './inbound.ts'
import type { Session } from './session.ts'

/**
 * Under TLS: why a listener with clientCertificates Required does not serve this session; undefined: it does, or requires none. Asked
 * from the connection on, so that a listener that is gone when the handshake comes requires what it did.
 */
export function certificateLacking({ inForce, now }: Inbound, session: Session): Refusal | undefined {
  const { config, index } = inForce()
  const listener = listenerOf(config, session)
  if (listener) session.certificateRequired = listener.clientCertificates?.mode === 'Required'
  if (!session.certificateRequired || session.tls === '') return undefined
  const { certificate } = session
  // The listener did not ask for certificates yet when this session made its handshake.
  if (certificate === undefined) return refusal('always.clientCertificateEnded')
  if (typeof certificate === 'string')
    return refusal('listeners.clientCertificates', certificateTroubles[certificate][1])
  const isGood = isTakenHere(config, session) && certificateNow(index.anchors, certificate, now()) === undefined
  return isGood ? undefined : refusal('always.clientCertificateEnded')
}

/** Undefined where the configuration does not name it any more. */
export const listenerOf = ({ listeners }: RelayConfig, session: Session): ListenerConfig | undefined =>
  listeners.find((l) => l.name === session.listener)

/**
 * Whether the session's listener still takes the authority of its certificate: other listeners may go on taking one that this does not
 * take any more. Where the configuration does not name the listener, its sessions go on.
 */
export function isTakenHere(config: RelayConfig, session: Session): boolean {
  const { certificate } = session
  if (typeof certificate !== 'object') return true
  const listener = listenerOf(config, session)
  return listener === undefined || listener.clientCertificates?.caFile === certificate.authority
}

/** Whether to offer AUTH EXTERNAL: the certificate is good, and at least one credential names it. */
export function canLogInByCertificate({ inForce, now }: Inbound, session: Session): boolean {
  const { config, index } = inForce()
  const { certificate } = session
  return (
    typeof certificate === 'object' &&
    isTakenHere(config, session) &&
    certificateNow(index.anchors, certificate, now()) === undefined &&
    namedBy(index, certificate).size > 0
  )
}

const mostNames = 8

/** For the log: the names in a certificate whose login failed, one of which a credential may lack. */
export const certificateShown = ({ certificate }: Session): Pick<SessionFacts, 'certificate'> =>
  typeof certificate === 'object' ? { certificate: certificate.names.slice(0, mostNames) } : {}
