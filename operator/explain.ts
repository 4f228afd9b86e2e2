/** What a relay would answer, by the very judges that it uses: a submission played against a configuration. Pure. */
import type { CredentialConfig, RelayConfig } from '../relay/config.ts'
import { comparableForwardPath, isAscii } from '../relay/mail/address.ts'
import { brokenText } from '../relay/mail/broken-text.ts'
import { headerEnd } from '../relay/mail/header.ts'
import { LineEnds } from '../relay/mail/line-ends.ts'
import { beforeContent, scan } from '../relay/mail/newlines.ts'
import { type Refusal, refusal } from '../relay/mail/rule.ts'
import { judgeConnect } from '../relay/rules/connect.ts'
import { judgeHeader } from '../relay/rules/content.ts'
import {
  allowanceOf,
  isLimited,
  judgeLimits,
  type Limited,
  overRate,
  restOfUtcDayMs,
  roomInMessage,
} from '../relay/rules/limits.ts'
import { digestOf, indexCredentials, judgeLogin } from '../relay/rules/login.ts'
import { judgeMailFrom } from '../relay/rules/mail-from.ts'
import { judgeRcptTo } from '../relay/rules/rcpt-to.ts'
import { countsOf } from '../relay/rules/throttles.ts'
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
  /** Recipients that the credential has used today; absent: nobody says, and none is taken for used. */
  readonly used?: number
}

export type Step = Verdict & {
  readonly stage: 'connect' | 'auth' | 'mail' | 'rcpt' | 'data'
  /** What the client says at this stage. */
  readonly says: string
}

export type Explanation = {
  /** In the order of the dialog; the last one refuses, where the whole message is refused. */
  readonly steps: readonly Step[]
  readonly verdict: 'accepted' | 'partly' | 'refused'
  /** The refusal that a person has to look at first. */
  readonly refusal?: Refusal
  /** For each recipient that was accepted, where the message goes. */
  readonly ways: readonly WayOut[]
  /** Why it will wait in the queue all the same, and until when. */
  readonly held?: string
}

/** The relay offers SMTPUTF8, and a client with an address that needs it says so (RFC 6531 section 3.4). */
export const saysSmtpUtf8 = ({ reversePath, forwardPaths }: Question): boolean =>
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

function held(config: RelayConfig, credential: CredentialConfig, question: Question): Pick<Explanation, 'held'> {
  const { signingDomain } = header(config, credential, question)
  const broken = config.brokenDomains?.find(({ domain }) => domain === signingDomain)
  if (broken === undefined || config.recipients.mode === 'Capture') return {}
  return { held: `in the queue until this is mended: ${brokenText(broken)} (senderDomain.whenBroken)` }
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
  // Who is named again is one recipient, as the first one named it.
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
  yield { stage: 'mail', says: reversePath, ...judgeMailFrom(facts, reversePath) }
  const known = new Set<string>()
  for (const forwardPath of forwardPaths) {
    const others = known.size - (known.has(comparableForwardPath(forwardPath)) ? 1 : 0)
    const verdict = withRoom(judgeRcptTo(facts, forwardPath, others), config, credential, others)
    if (verdict.refusal === undefined) known.add(comparableForwardPath(forwardPath))
    yield { stage: 'rcpt', says: forwardPath, ...verdict }
  }
  const accepted = known.size
  if (isLimited(credential)) yield limits(credential, accepted, question)
  yield { stage: 'data', says: `${message.length} octets`, ...content(config, message) }
  yield { stage: 'data', says: 'header', ...header(config, credential, question) }
  // A relay counts what it is about to take.
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

// Where no client is named, the networks are taken out of the question instead of being guessed.
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

/** The login of a client with what the credential asks for, which is not at hand here. */
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

/** Which keys and authorities there are changes nothing about the question. */
const anyIssuer = { issuer: '', audience: '', keys: { has: () => true, get: () => undefined } }
const anyAnchor = ''

/** What is judged where every listener mends line ends. */
const taken = ({ listeners }: RelayConfig, message: Buffer): Buffer =>
  listeners.every(({ bareNewlines }) => bareNewlines === 'Normalise') ? new LineEnds().take(message) : message

function content({ limits }: RelayConfig, message: Buffer): Verdict {
  const { bare, nul } = scan(beforeContent, message)
  if (bare) return verdictOf(refusal('listeners.bareNewlines'))
  if (nul) return verdictOf(refusal('always.nul'))
  return verdictOf(message.length > limits.messageBytes ? refusal('admission.limits.messageSize') : undefined)
}

/** By the parts of the first relay, which are the largest; who counts in a store has all to hand out. */
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

/** A burst is as large for each of them. */
const anyFrom = { senderDomain: '' }

const firstPlace = ({ sharing }: RelayConfig) => ({
  relays: sharing?.store === undefined ? (sharing?.relays ?? 1) : 1,
  index: 0,
})

/** More at once than a throttle in Audit ever gives; where one refuses, there was no room for it before. */
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

/** Of the whole fleet: at which of its relays a client is, only the connection decides. What a rate has left changes by the second. */
function limits({ limits: its }: Limited, recipients: number, { used = 0, now }: Question): Step {
  const { daily } = allowanceOf(its, { relays: 1, index: 0 })
  const refused = judgeLimits({
    limits: its,
    allowance: { daily, rate: undefined },
    taken: { today: used, earned: undefined },
    recipients,
    now: 0,
    restOfDayMs: restOfUtcDayMs(now),
  })
  return { stage: 'data', says: `${recipients} recipients`, ...verdictOf(refused) }
}
