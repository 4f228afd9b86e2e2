/** The certificate of a session beside its login: whether its listener asks for more, and whether it is worth an AUTH. */
import type { SessionFacts } from '../events.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { certificateNow } from '../rules/certificate.ts'
import { certificateTroubles, namedBy } from '../rules/login.ts'
import type { Inbound } from './inbound.ts'
import type { Session } from './session.ts'

/** What a Required listener has against this session, under TLS; `undefined` elsewhere. */
export function certificateLacking({ inForce, now }: Inbound, session: Session): Refusal | undefined {
  const { config, index } = inForce()
  const { certificate } = session
  const listener = config.listeners.find((l) => l.name === session.listener)
  if (listener?.clientCertificates?.mode !== 'Required') return undefined
  // It was not asked in its handshake, since then nobody had to be.
  if (certificate === undefined) return refusal('always.clientCertificateEnded')
  if (typeof certificate === 'string')
    return refusal('listeners.clientCertificates', certificateTroubles[certificate][1])
  return certificateNow(index.anchors, certificate, now()) && refusal('always.clientCertificateEnded')
}

/** Whether AUTH EXTERNAL is worth to be offered: the certificate is good, and somebody's. */
export function canLogInByCertificate({ inForce, now }: Inbound, { certificate }: Session): boolean {
  const { index } = inForce()
  return (
    typeof certificate === 'object' &&
    certificateNow(index.anchors, certificate, now()) === undefined &&
    namedBy(index, certificate).size > 0
  )
}

const mostNames = 8

/** For the log: who is to be added to a credential. */
export const certificateShown = ({ certificate }: Session): Pick<SessionFacts, 'certificate'> =>
  typeof certificate === 'object' ? { certificate: certificate.names.slice(0, mostNames) } : {}
