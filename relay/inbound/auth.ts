/** AUTH: whose session this becomes, and whether it still may be. */
import { verifierOf } from '../config.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { type AuthFailure, digestOf, judgeLogin, type Login } from '../rules/login.ts'
import type { Inbound } from './inbound.ts'
import { failedLoginsPerSession } from './limits.ts'
import { protocol } from './protocol.ts'
import type { Session, SessionLogin } from './session.ts'

export type LoginDecision =
  | { readonly kind: 'accepted'; readonly login: SessionLogin; readonly key: string }
  | {
      readonly kind: 'refused'
      readonly reason: AuthFailure
      readonly refusal: Refusal
      /** This failure locked the client out. */
      readonly locks: boolean
      /** Whose name was given, where it is one of ours. */
      readonly credential?: string
    }

/** What the protocol says against any login now; a password before TLS is the caller's to tell apart. */
export function authOutOfPlace(session: Session): Refusal | undefined {
  if (session.tls === '') return refusal('always.tlsBeforeAuth')
  if (session.login) return protocol.loggedInAlready
  return session.transaction ? protocol.inTransaction : undefined
}

export function logIn(
  inbound: Inbound,
  session: Session,
  { username, password }: { readonly username: string; readonly password: string },
): LoginDecision {
  const { lockout, now } = inbound
  if (lockout.locked(session.client, now())) {
    return { kind: 'refused', reason: 'lockedOut', refusal: refusal('admission.authFailures'), locks: false }
  }
  const digest = digestOf(verifierOf(password))
  const login = judge(inbound, session, username, digest)
  if (login.kind === 'accepted') {
    return { kind: 'accepted', login: { username, digest, credential: login.credential.name }, key: login.key }
  }
  // Who knows the password and may not use it now is no guesser.
  const guess = login.reason === 'unknown' || login.reason === 'password'
  const locks = guess && lockout.failed(session.client, inbound.inForce().config.authFailures, now())
  const last = session.failedLogins + 1 >= failedLoginsPerSession
  return {
    kind: 'refused',
    reason: login.reason,
    refusal: last ? refusal('admission.authFailures') : login.refusal,
    locks,
    ...(login.credential !== undefined && { credential: login.credential }),
  }
}

/** The session's login by the configuration in force: its credential may be suspended, changed or gone by now. */
export const loginInForce = (inbound: Inbound, session: Session, { username, digest }: SessionLogin): Login =>
  judge(inbound, session, username, digest)

function judge(inbound: Inbound, { client }: Session, username: string, digest: Buffer): Login {
  const login = judgeLogin(inbound.inForce().index, { username, digest, client, now: inbound.now() })
  // A session that goes on for days uses its key all the time.
  if (login.kind === 'accepted') inbound.keyUses.note(login.credential.name, login.key, client)
  return login
}
