/** A session's client certificate: whether its listener requires a better one, and whether AUTH EXTERNAL could succeed by it. */
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
  const { certificate } = session
  const listener = config.listeners.find((l) => l.name === session.listener)
  if (listener) session.certificateRequired = listener.clientCertificates?.mode === 'Required'
  if (!session.certificateRequired || session.tls === '') return undefined
  // The listener did not ask for certificates yet when this session made its handshake.
  if (certificate === undefined) return refusal('always.clientCertificateEnded')
  if (typeof certificate === 'string')
    return refusal('listeners.clientCertificates', certificateTroubles[certificate][1])
  // Other listeners may go on taking the certificates of an authority that this one does not take any more.
  if (listener && certificate.authority !== listener.clientCertificates?.caFile)
    return refusal('always.clientCertificateEnded')
  return certificateNow(index.anchors, certificate, now()) && refusal('always.clientCertificateEnded')
}

/** Whether to offer AUTH EXTERNAL: the certificate is good, and at least one credential names it. */
export function canLogInByCertificate({ inForce, now }: Inbound, { certificate }: Session): boolean {
  const { index } = inForce()
  return (
    typeof certificate === 'object' &&
    certificateNow(index.anchors, certificate, now()) === undefined &&
    namedBy(index, certificate).size > 0
  )
}

const mostNames = 8

/** For the log: the names in a certificate whose login failed, one of which a credential may lack. */
export const certificateShown = ({ certificate }: Session): Pick<SessionFacts, 'certificate'> =>
  typeof certificate === 'object' ? { certificate: certificate.names.slice(0, mostNames) } : {}
