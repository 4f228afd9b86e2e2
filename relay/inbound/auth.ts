/** AUTH: whose session this becomes, and whether it still may be. */
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { type AuthFailure, judgeLogin, type Login, type Proof, proofOf } from '../rules/login.ts'
import type { Inbound } from './inbound.ts'
import { failedLoginsPerSession } from './limits.ts'
import { protocol } from './protocol.ts'
import type { Mechanism } from './sasl.ts'
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

type Presented =
  | { readonly mechanism: Exclude<Mechanism, 'EXTERNAL'>; readonly username: string; readonly secret: string }
  | { readonly mechanism: 'EXTERNAL'; readonly username: string }

/**
 * What is said to who proves nothing. Who has the password, or a token of the issuer, and may not use it now is no guesser.
 * It goes by the reply and not by its reason: a lockout tells no more than the replies before it.
 */
const guessed: RuleId = 'always.password'

export function logIn(inbound: Inbound, session: Session, presented: Presented): LoginDecision {
  const { lockout, monotonic } = inbound
  if (lockout.locked(session.origin, monotonic())) {
    return { kind: 'refused', reason: 'lockedOut', refusal: refusal('admission.authFailures'), locks: false }
  }
  const proof = proofIn(inbound, session, presented)
  const login = judge(inbound, session, { username: presented.username, proof })
  if (login.kind === 'accepted') {
    // What a certificate says of itself is said once: another credential that comes to name it changes no session.
    const { username, name } = login.credential
    return { kind: 'accepted', login: { username, proof, credential: name }, key: login.key }
  }
  const locks =
    login.refusal.rule === guessed && lockout.failed(session.origin, inbound.inForce().config.authFailures, monotonic())
  const last = session.failedLogins + 1 >= failedLoginsPerSession
  return {
    kind: 'refused',
    reason: login.reason,
    refusal: last ? refusal('admission.authFailures') : login.refusal,
    locks,
    ...(login.credential !== undefined && { credential: login.credential }),
  }
}

/** Nothing is wrong with the client: it has a new password, token or certificate by now, for a new session. */
const endedWith: Readonly<Partial<Record<RuleId, RuleId>>> = {
  'always.token': 'always.tokenExpired',
  'always.clientCertificate': 'always.clientCertificateEnded',
}

/** That it is the password is the reason: its rule is that of a username which is nobody's any more, too. */
const endOf = ({ reason, refusal: { rule } }: Extract<Login, { kind: 'refused' }>): RuleId | undefined =>
  reason === 'password' ? 'always.passwordEnded' : endedWith[rule]

function proofIn({ inForce, now }: Inbound, { certificate = 'absent' }: Session, presented: Presented): Proof {
  if (presented.mechanism === 'EXTERNAL') return { by: 'certificate', certificate }
  const { mechanism, secret } = presented
  return proofOf(inForce().index, { secret, bearer: mechanism === 'OAUTHBEARER' }, now())
}

/** The session's login by the configuration in force: its credential may be suspended, changed or gone by now. */
export function loginInForce(inbound: Inbound, session: Session, known: SessionLogin): Login {
  const login = judge(inbound, session, known)
  const ended = login.kind === 'refused' ? endOf(login) : undefined
  return login.kind === 'refused' && ended !== undefined ? { ...login, refusal: refusal(ended) } : login
}

type Claimed = { readonly username: string; readonly proof: Proof }

function judge(inbound: Inbound, { client }: Session, { username, proof }: Claimed): Login {
  const login = judgeLogin(inbound.inForce().index, { username, proof, client, now: inbound.now() })
  // A session that goes on for days uses its key all the time.
  if (login.kind === 'accepted' && login.credential.keys.length > 0)
    inbound.keyUses.note(login.credential.name, login.key, client)
  return login
}
