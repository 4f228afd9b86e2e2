/** The connection: may this client talk to us at all? */
import { type Refusal, refusal } from '../mail/rule.ts'
import { judgeConnect } from '../rules/connect.ts'
import { type Check, firstRefusal } from '../rules/verdict.ts'
import type { Inbound } from './inbound.ts'
import { protocol } from './protocol.ts'
import type { Session } from './session.ts'
import { unserved } from './unserved.ts'

type Facts = { readonly inbound: Inbound; readonly session: Session }

const checks: readonly Check<Facts>[] = [
  ({ inbound: { isShut } }) => (isShut() ? refusal('always.shutdown') : undefined),
  ({ inbound: { presence, maxSessions } }) => (presence.all > maxSessions ? protocol.tooManySessions : undefined),
  ({ inbound, session }) => judgeConnect(inbound.inForce().config, session.client),
  ({ inbound, session }) => unserved(inbound, session),
  ({ inbound: { lockout, monotonic, inForce }, session: { origin } }) =>
    lockout.locked(origin, inForce().config.authFailures, monotonic()) ? refusal('admission.authFailures') : undefined,
  ({ inbound: { presence, inForce }, session: { origin } }) =>
    presence.of(origin) > inForce().config.limits.connectionsPerClient
      ? refusal('admission.limits.connectionsPerClient')
      : undefined,
]

/** Why a client is sent away when it connects (421 or 554); undefined: it is welcome. Its session is counted in `presence` already. */
export const admit = (inbound: Inbound, session: Session): Refusal | undefined =>
  firstRefusal(checks, { inbound, session })
