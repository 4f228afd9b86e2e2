/** AUTH: as which credential a session logs in, and at each later stage whether that login still counts. */
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { type AuthFailure, judgeLogin, type Login, type Proof, proofOf } from '../rules/login.ts'
import { isTakenHere } from './client-certificate.ts'
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
      /** This failure is the one that locks the client out. */
      readonly locks: boolean
      /** The credential whose username was given; absent where it is nobody's. */
      readonly credential?: string
    }

/** Why this session may not say AUTH at all now; before TLS always something, and then a password may have come in clear. */
export function authOutOfPlace(session: Session): Refusal | undefined {
  if (session.helo === '') return protocol.helloFirst
  if (session.tls === '') return refusal('always.tlsBeforeAuth')
  if (session.login) return protocol.loggedInAlready
  return session.transaction ? protocol.inTransaction : undefined
}

type Presented =
  | { readonly mechanism: Exclude<Mechanism, 'EXTERNAL'>; readonly username: string; readonly secret: string }
  | { readonly mechanism: 'EXTERNAL'; readonly username: string }

/**
 * Only failures with this reply count towards a lockout: the client has proven nothing. One with the right password, or with a token
 * of the issuer, that may not use it now is no guesser. By the reply, not by the reason behind it: then a lockout does not tell the
 * client more than the replies before it did.
 */
const guessed: RuleId = 'always.password'

export function logIn(inbound: Inbound, session: Session, presented: Presented): LoginDecision {
  const { lockout, monotonic, inForce } = inbound
  const { authFailures } = inForce().config
  if (lockout.locked(session.origin, authFailures, monotonic())) {
    return { kind: 'refused', reason: 'lockedOut', refusal: refusal('admission.authFailures'), locks: false }
  }
  const proof = proofIn(inbound, session, presented)
  const login = noted(inbound, session, judge(inbound, session, { username: presented.username, proof }, inbound.now()))
  if (login.kind === 'accepted') {
    // The username is kept, also where the client gave none: a certificate that a second credential comes to name does not change
    // whose session this is.
    const { username, name } = login.credential
    const owner = { rank: 'credential', name } as const
    return { kind: 'accepted', login: { username, proof, credential: name, owner, judged: undefined }, key: login.key }
  }
  const locks = login.refusal.rule === guessed && lockout.failed(session.origin, authFailures, monotonic())
  const last = session.failedLogins + 1 >= failedLoginsPerSession
  return {
    kind: 'refused',
    reason: login.reason,
    refusal: last ? refusal('admission.authFailures') : login.refusal,
    locks,
    ...(login.credential !== undefined && { credential: login.credential }),
  }
}

type RefusedLogin = Extract<Login, { kind: 'refused' }>

/** The rule by which a session whose login has ended is refused, in place of that of a failed login: it is told to connect again. */
const endedWith: Readonly<Partial<Record<RuleId, RuleId>>> = {
  'always.token': 'always.tokenExpired',
  'always.clientCertificate': 'always.clientCertificateEnded',
}

/** A password that has ended is known by the reason alone: its rule is also that of a username which is nobody's any more. */
const endOf = ({ reason, refusal: { rule } }: RefusedLogin): RuleId | undefined =>
  reason === 'password' ? 'always.passwordEnded' : endedWith[rule]

function proofIn({ inForce, now }: Inbound, { certificate = 'absent' }: Session, presented: Presented): Proof {
  if (presented.mechanism === 'EXTERNAL') return { by: 'certificate', certificate }
  const { mechanism, secret } = presented
  return proofOf(inForce().index, { secret, bearer: mechanism === 'OAUTHBEARER' }, now())
}

/** The session's login, judged by the configuration in force: its credential may be suspended, changed or gone by now. */
export function loginInForce(inbound: Inbound, session: Session, known: SessionLogin): Login {
  const login = noted(inbound, session, judgedNow(inbound, session, known))
  if (login.kind === 'accepted') return login
  const ended = isAnothersNow(inbound, session, known, login) ? 'always.clientCertificateEnded' : endOf(login)
  return ended === undefined ? login : { ...login, refusal: refusal(ended) }
}

/** Its certificate has become that of another credential: the session keeps whose it was, so that a new one is needed. */
const isAnothersNow = (
  inbound: Inbound,
  session: Session,
  { proof }: SessionLogin,
  { reason }: RefusedLogin,
): boolean =>
  reason === 'certificateName' && judge(inbound, session, { username: '', proof }, inbound.now()).kind === 'accepted'

/**
 * Asked at each stage, five times for a message to one recipient, so an acceptance is remembered: it holds for the same configuration
 * (a reload replaces it as a whole) while key, token or certificate and credential are in their time.
 */
function judgedNow(inbound: Inbound, session: Session, known: SessionLogin): Login {
  const { revision } = inbound.inForce()
  const { judged } = known
  if (judged?.revision === revision && countsNow(judged.login, inbound.now)) return judged.login
  const login = judge(inbound, session, known, inbound.now())
  known.judged = login.kind === 'accepted' ? { revision, login } : undefined
  return login
}

/** Whether the clock has not changed the judgement. No clock is read for one that holds at all times, as most do. */
function countsNow({ from, until }: Judged['login'], now: () => number): boolean {
  if (from === Number.NEGATIVE_INFINITY && until === Number.POSITIVE_INFINITY) return true
  const at = now()
  return at >= from && at < until
}

type Claimed = { readonly username: string; readonly proof: Proof }

function judge({ inForce }: Inbound, session: Session, { username, proof }: Claimed, now: number): Login {
  const { config, index } = inForce()
  const isLost = proof.by === 'certificate' && !isTakenHere(config, session)
  const counting = isLost ? ({ by: 'certificate', certificate: 'untrusted' } as const) : proof
  return judgeLogin(index, { username, proof: counting, client: session.client, now })
}

/** Notes that the key is in use, at every judgement: a session that goes on for days uses its key for all of that time. */
function noted(inbound: Inbound, { client }: Session, login: Login): Login {
  if (login.kind === 'accepted' && login.credential.keys.length > 0)
    inbound.keyUses.note(login.credential.name, login.key, client)
  return login
}
