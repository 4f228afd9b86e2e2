/** What a relay would answer to a submission: plays it against a configuration with the same judges that relays use. Pure. */
import type { CredentialConfig, RelayConfig } from '../relay/config.ts'
import { comparableForwardPath, isAscii } from '../relay/mail/address.ts'
import { brokenText } from '../relay/mail/broken-text.ts'
import { headerEnd } from '../relay/mail/header.ts'
import { LineEnds } from '../relay/mail/line-ends.ts'
import { beforeContent, scan } from '../relay/mail/newlines.ts'
import type { Refusal } from '../relay/mail/rule.ts'
import { judgeConnect } from '../relay/rules/connect.ts'
import { judgeHeader } from '../relay/rules/content.ts'
import { allowanceOf, isLimited, judgeLimits, type Limited, overRate, roomInMessage } from '../relay/rules/limits.ts'
import { digestOf, indexCredentials, judgeLogin } from '../relay/rules/login.ts'
import { judgeMailFrom } from '../relay/rules/mail-from.ts'
import { judgeRcptTo } from '../relay/rules/rcpt-to.ts'
import { wholeFleet } from '../relay/rules/share.ts'
import { judgeOctets } from '../relay/rules/size.ts'
import { countsOf } from '../relay/rules/throttles.ts'
import { dayNumber, restOfDayMs } from '../relay/rules/utc-day.ts'
import type { Verdict } from '../relay/rules/verdict.ts'
import { type WayOut, waysOut } from './ways-out.ts'

export type Question = {
  /** The client's IP address; absent: networks are not judged. */
  readonly client?: string
  /** Empty: the null reverse-path. */
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  /** The content as it would be sent, or only its header. */
  readonly message: Buffer
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How many recipients the credential has used today; absent where that is not known, and then 0 is assumed. */
  readonly used?: number
}

export type Step = Verdict & {
  readonly stage: 'connect' | 'auth' | 'mail' | 'rcpt' | 'data'
  /** What the client says at this stage. */
  readonly says: string
  /** Of the step that judges the header: the sender domain that the visible From belongs to, if the credential may send as it. */
  readonly signingDomain?: string
}

export type Explanation = {
  /** In the order of the dialog. Where the whole message is refused, the last step is the one that refuses it. */
  readonly steps: readonly Step[]
  readonly verdict: 'accepted' | 'partly' | 'refused'
  /** The refusal that a person has to look at first. */
  readonly refusal?: Refusal
  /** Where the message goes, for each accepted recipient. */
  readonly ways: readonly WayOut[]
  /** Why an accepted message will wait in the queue nevertheless, and until when. */
  readonly held?: string
}

/** The relay offers SMTPUTF8, and a client with an address that needs it says so (RFC 6531 section 3.4). */
export const saysSmtpUtf8 = ({ reversePath, forwardPaths }: Pick<Question, 'reversePath' | 'forwardPaths'>): boolean =>
  ![reversePath, ...forwardPaths].every(isAscii)

/** The dialog that a client with this credential's password would have. */
export function explain(config: RelayConfig, credential: CredentialConfig, asked: Question): Explanation {
  const question = { ...asked, message: taken(config, asked.message) }
  const steps: Step[] = []
  for (const step of dialog(config, credential, question)) {
    steps.push(step)
    if (step.refusal !== undefined && step.stage !== 'rcpt') return concluded(steps, 'refused', [])
    if (step.stage === 'rcpt' && allRefused(steps, question)) return concluded(steps, 'refused', [])
  }
  const verdict = steps.some((s) => s.refusal !== undefined) ? 'partly' : 'accepted'
  return {
    ...concluded(steps, verdict, ways(config, credential, question, steps)),
    ...held(config, credential, question),
  }
}

/** What a relay holds back when it is to leave (relay/delivery/signer.ts), as far as that does not depend on its key files. */
function held(config: RelayConfig, credential: CredentialConfig, question: Question): Pick<Explanation, 'held'> {
  const { signingDomain } = header(config, credential, question)
  if (config.recipients.mode === 'Capture') return {}
  const broken = config.brokenDomains?.find(({ domain }) => domain === signingDomain)
  if (broken !== undefined) {
    return { held: `in the queue until this is mended: ${brokenText(broken)} (senderDomain.whenBroken)` }
  }
  const unsigned = config.signing?.find(({ domain, keys }) => domain === signingDomain && keys.length === 0)
  if (unsigned === undefined || unsigned.whenBroken === 'Warn') return {}
  const lacking = `no key of SenderDomain ${unsigned.senderDomain} signs yet, and its conditions say what it waits for`
  return { held: `in the queue until it can be signed: ${lacking} (senderDomain.whenBroken)` }
}

const concluded = (steps: readonly Step[], verdict: Explanation['verdict'], ways: Explanation['ways']): Explanation => {
  const refused = steps.findLast((s) => s.refusal !== undefined)?.refusal
  return { steps, verdict, ways, ...(refused !== undefined && { refusal: refused }) }
}

function ways(
  config: RelayConfig,
  credential: CredentialConfig,
  question: Question,
  steps: readonly Step[],
): readonly WayOut[] {
  const { reversePath } = question
  const { fromDomain } = header(config, credential, question)
  const accepted = steps.filter((s) => s.stage === 'rcpt' && s.refusal === undefined).map((s) => s.says)
  // A recipient that is named twice counts once, in the spelling of the first time.
  const forwardPaths = [...Map.groupBy(accepted, comparableForwardPath).values()].flatMap((same) => same.slice(0, 1))
  return waysOut(config, credential, { reversePath, fromDomain, forwardPaths })
}

const allRefused = (steps: readonly Step[], { forwardPaths }: Question): boolean =>
  steps.filter((s) => s.stage === 'rcpt' && s.refusal !== undefined).length === forwardPaths.length

function* dialog(config: RelayConfig, credential: CredentialConfig, question: Question): Generator<Step> {
  const { reversePath, forwardPaths, message } = question
  const facts = { config, credential, smtpUtf8: saysSmtpUtf8(question) }
  yield { stage: 'connect', says: question.client ?? '', ...connect(config, question) }
  yield { stage: 'auth', says: credential.username, ...login(config, credential, question) }
  yield { stage: 'mail', says: reversePath, ...withAnyLeft(judgeMailFrom(facts, reversePath), credential, question) }
  const known = new Set<string>()
  for (const forwardPath of forwardPaths) {
    const others = known.size - (known.has(comparableForwardPath(forwardPath)) ? 1 : 0)
    const verdict = withRoom(judgeRcptTo(facts, forwardPath, others), config, credential, others)
    if (verdict.refusal === undefined) known.add(comparableForwardPath(forwardPath))
    yield { stage: 'rcpt', says: forwardPath, ...verdict }
  }
  const accepted = known.size
  if (isLimited(credential)) {
    yield { stage: 'data', says: `${accepted} recipients`, ...limits(credential, accepted, question) }
  }
  yield { stage: 'data', says: `${message.length} octets`, ...content(config, message) }
  yield { stage: 'data', says: 'header', ...header(config, credential, question) }
  // Throttles come last, because a relay counts a message only when it is about to accept it.
  const throttled = throttles(config, credential, accepted)
  if (throttled !== undefined) yield throttled
}

function header(config: RelayConfig, credential: CredentialConfig, question: Question) {
  const { reversePath, message } = question
  const end = headerEnd(message)
  const facts = { config, credential, reversePath, smtpUtf8: saysSmtpUtf8(question) }
  return judgeHeader(facts, end === -1 ? message : message.subarray(0, end))
}

const verdictOf = (found: Refusal | undefined): Verdict => ({
  audited: [],
  ...(found !== undefined && { refusal: found }),
})

// Where the question names no client, networks are not judged at all: their lists are emptied, and then any address will do.
const anyClient = '127.0.0.1'

const connect = (config: RelayConfig, { client }: Question): Verdict =>
  verdictOf(
    client === undefined
      ? judgeConnect({ ...config, networks: { allow: [], deny: [] } }, anyClient)
      : judgeConnect(config, client),
  )

function login(config: RelayConfig, credential: CredentialConfig, { client, now }: Question): Verdict {
  const judged = { ...credential, ...(client === undefined && { networks: [] }) }
  const { index, proof } = rightLogin(config, judged, now)
  const result = judgeLogin(index, { username: judged.username, proof, client: client ?? anyClient, now })
  return verdictOf(result.kind === 'refused' ? result.refusal : undefined)
}

/** A login that succeeds as far as the proof is concerned: the real password, token or certificate is not at hand here. */
function rightLogin(config: RelayConfig, credential: CredentialConfig, now: number) {
  const serviceAccount = credential.serviceAccounts?.[0]
  if (serviceAccount !== undefined) {
    const index = { ...indexCredentials({ ...config, credentials: [credential] }), issuer: anyIssuer }
    const token = { keyId: 'first', serviceAccount, notBefore: now, expiresAt: now + 1 }
    return { index, proof: { by: 'secret', token } } as const
  }
  const { certificate } = credential
  if (certificate !== undefined) {
    const { caFile: authority, names } = certificate
    const shown = { authority, anchors: [anyAnchor], names, notBefore: now, notAfter: now }
    const anchors = new Map([[authority, new Set([anyAnchor])]])
    const index = indexCredentials({ ...config, credentials: [credential] }, anchors)
    return { index, proof: { by: 'certificate', certificate: shown } } as const
  }
  const key = credential.keys[0] ?? { id: 'first', verifier: 'first' }
  const index = indexCredentials({ ...config, credentials: [{ ...credential, keys: [key] }] })
  return { index, proof: { by: 'secret', digest: digestOf(key.verifier), token: 'forged' } } as const
}

/** Stand-ins for the cluster's token issuer and for the certificates of an authority, on which the answer does not depend. */
const anyIssuer = { issuer: '', audience: '', keys: { has: () => true, get: () => undefined } }
const anyAnchor = ''

/** The message as it is judged: with line ends normalised, if every listener does that. */
const taken = ({ listeners }: RelayConfig, message: Buffer): Buffer =>
  listeners.every(({ bareNewlines }) => bareNewlines === 'Normalise') ? new LineEnds().take(message) : message

const content = ({ limits }: RelayConfig, message: Buffer): Verdict =>
  verdictOf(judgeOctets(scan(beforeContent, message), message.length, limits.messageBytes))

/** Limits are judged by the share of the first relay, which is the largest; with a limit store, each relay has the whole. */
function withRoom(verdict: Verdict, config: RelayConfig, credential: CredentialConfig, accepted: number): Verdict {
  if (verdict.refusal !== undefined) return verdict
  const place = firstPlace(config)
  for (const { counted, action } of countsOf(config, credential, anyFrom)) {
    const { limits: its } = counted
    const full = action === 'Reject' ? roomInMessage(its, allowanceOf(its, place), accepted) : undefined
    if (full !== undefined) return { ...verdict, refusal: full }
  }
  return verdict
}

/** The burst of a throttle is the same for every SenderDomain, so any one will do here. */
const anyFrom = { senderDomain: '' }

const firstPlace = ({ sharing }: RelayConfig) => ({
  relays: sharing?.store === undefined ? (sharing?.relays ?? 1) : 1,
  index: 0,
})

/** Throttles in Audit whose burst is smaller than this message. Throttles that refuse it did so at RCPT already (`withRoom`). */
function throttles(config: RelayConfig, credential: CredentialConfig, recipients: number): Step | undefined {
  const place = firstPlace(config)
  const audited = countsOf(config, credential, anyFrom).flatMap(
    ({ counted: { limits: its }, action }): readonly Refusal[] => {
      const { rate } = allowanceOf(its, place)
      return action === 'Audit' && rate !== undefined && recipients > rate.burst
        ? [overRate(its, Number.POSITIVE_INFINITY, rate.burst)]
        : []
    },
  )
  return audited.length === 0 ? undefined : { stage: 'data', says: `${recipients} recipients`, audited }
}

/**
 * The daily limit, judged for the whole fleet, since which relay a client reaches is decided only when it connects. What is
 * left of a rate changes by the second, so that is not judged.
 */
function limits({ limits: its }: Limited, recipients: number, { used = 0, now }: Question): Verdict {
  const { daily } = allowanceOf(its, wholeFleet)
  const refused = judgeLimits({
    limits: its,
    allowance: { daily, rate: undefined },
    taken: { today: used, earned: undefined },
    recipients,
    now: 0,
    restOfDayMs: restOfDayMs({ number: dayNumber(now), wall: now }),
  })
  return verdictOf(refused)
}

/** A day that is used up is said at MAIL already, before any recipient is judged. */
const withAnyLeft = (verdict: Verdict, credential: CredentialConfig, question: Question): Verdict =>
  verdict.refusal === undefined && isLimited(credential)
    ? { ...limits(credential, 1, question), audited: verdict.audited }
    : verdict
