/** AUTH: whose session this becomes, and whether it still may be. */
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { type AuthFailure, judgeLogin, type Login, type Proof, proofOf } from '../rules/login.ts'
import type { Inbound } from './inbound.ts'
import { failedLoginsPerSession } from './limits.ts'
import { protocol } from './protocol.ts'
import type { Mechanism } from './sasl.ts'
import type { Judged, Session, SessionLogin } from './session.ts'

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
  const login = noted(inbound, session, judge(inbound, session, { username: presented.username, proof }, inbound.now()))
  if (login.kind === 'accepted') {
    // What a certificate says of itself is said once: another credential that comes to name it changes no session.
    const { username, name } = login.credential
    return { kind: 'accepted', login: { username, proof, credential: name, judged: undefined }, key: login.key }
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
  const login = noted(inbound, session, judgedNow(inbound, session, known))
  const ended = login.kind === 'refused' ? endOf(login) : undefined
  return login.kind === 'refused' && ended !== undefined ? { ...login, refusal: refusal(ended) } : login
}

/**
 * It is asked five times a message. What was accepted is the same by the same configuration, which a reload replaces whole, while
 * all counts that it rests on. Where nothing of that ever ends, and nothing began, no clock is asked.
 */
function judgedNow(inbound: Inbound, session: Session, known: SessionLogin): Login {
  const { revision } = inbound.inForce()
  const { judged } = known
  if (judged?.revision === revision && countsNow(judged.login, inbound.now)) return judged.login
  const login = judge(inbound, session, known, inbound.now())
  known.judged = login.kind === 'accepted' ? { revision, login } : undefined
  return login
}

function countsNow({ from, until }: Judged['login'], now: () => number): boolean {
  if (from === Number.NEGATIVE_INFINITY && until === Number.POSITIVE_INFINITY) return true
  const at = now()
  return at >= from && at < until
}

type Claimed = { readonly username: string; readonly proof: Proof }

const judge = ({ inForce }: Inbound, { client }: Session, { username, proof }: Claimed, now: number): Login =>
  judgeLogin(inForce().index, { username, proof, client, now })

/** A session that goes on for days uses its key all the time. */
function noted(inbound: Inbound, { client }: Session, login: Login): Login {
  if (login.kind === 'accepted' && login.credential.keys.length > 0)
    inbound.keyUses.note(login.credential.name, login.key, client)
  return login
}
