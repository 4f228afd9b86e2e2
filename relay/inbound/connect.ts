/** The connection: may this client talk to us at all? */
import { type Refusal, refusal } from '../mail/rule.ts'
import { judgeConnect } from '../rules/connect.ts'
import { certificateLacking } from './client-certificate.ts'
import type { Inbound } from './inbound.ts'
import { protocol } from './protocol.ts'
import type { Session } from './session.ts'

type Check = (inbound: Inbound, session: Session) => Refusal | undefined

const checks: readonly Check[] = [
  ({ isShut }) => (isShut() ? refusal('always.shutdown') : undefined),
  ({ presence, maxSessions }) => (presence.all > maxSessions ? protocol.tooManySessions : undefined),
  (inbound, { client }) => judgeConnect(inbound.inForce().config, client),
  (inbound, session) => (session.tls === '' ? undefined : certificateLacking(inbound, session)),
  ({ lockout, monotonic }, { origin }) =>
    lockout.locked(origin, monotonic()) ? refusal('admission.authFailures') : undefined,
  ({ presence, inForce }, { origin }) =>
    presence.of(origin) > inForce().config.limits.connectionsPerClient
      ? refusal('admission.limits.connectionsPerClient')
      : undefined,
]

/** The session counts as present already. */
export function admit(inbound: Inbound, session: Session): Refusal | undefined {
  for (const check of checks) {
    const refused = check(inbound, session)
    if (refused) return refused
  }
  return undefined
}
