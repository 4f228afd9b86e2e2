/**
 * AUTH PLAIN (RFC 4616), LOGIN, OAUTHBEARER (RFC 7628) and EXTERNAL (RFC 4422 appendix A) as a state machine over lines (RFC 4954
 * section 4): each step is a challenge for the client, what the client claims, or a refusal. Pure.
 */
import type { Refusal } from '../mail/rule.ts'
import { readBearer } from './bearer.ts'
import { protocol } from './protocol.ts'

export type Mechanism = 'PLAIN' | 'LOGIN' | 'OAUTHBEARER' | 'EXTERNAL'

export type SaslStep =
  | { readonly kind: 'challenge'; readonly challenge: string; readonly next: (line: string) => SaslStep }
  | {
      readonly kind: 'credentials'
      readonly mechanism: Exclude<Mechanism, 'EXTERNAL'>
      readonly username: string
      /** A password, or a token. */
      readonly secret: string
    }
  /** By the session's certificate. `username` is the authorization identity; empty: whoever the certificate belongs to. */
  | { readonly kind: 'external'; readonly mechanism: 'EXTERNAL'; readonly username: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

const mechanisms: Readonly<Record<Mechanism, (initial: string | undefined) => SaslStep>> = {
  PLAIN: (initial) => (initial === undefined ? ask('', plain) : plain(initial)),
  LOGIN: (initial) => (initial === undefined ? ask('Username:', loginName) : loginName(initial)),
  OAUTHBEARER: (initial) => (initial === undefined ? ask('', bearer) : bearer(initial)),
  // `=` is an initial response of no octets (RFC 4954 section 4).
  EXTERNAL: (initial) => (initial === undefined ? ask('', external) : external(initial === '=' ? '' : initial)),
}

/** What a session may log in by, in addition to passwords. */
export type Takes = { readonly tokens?: boolean; readonly certificate?: boolean }

/** Nothing is offered that could not succeed: a client picks the mechanism that it prefers, and may not try another one. */
export function mechanismsOffered({ tokens = false, certificate = false }: Takes): readonly Mechanism[] {
  if (certificate) return tokens ? offered.toAll : offered.toCertificates
  return tokens ? offered.toTokens : offered.toPasswords
}

const offered = {
  toPasswords: ['PLAIN', 'LOGIN'],
  toTokens: ['PLAIN', 'LOGIN', 'OAUTHBEARER'],
  toCertificates: ['PLAIN', 'LOGIN', 'EXTERNAL'],
  toAll: ['PLAIN', 'LOGIN', 'OAUTHBEARER', 'EXTERNAL'],
} as const

/** The mechanism that an AUTH line names; any that does not exist here is `other`, since it becomes the label of a metric. */
export function mechanismIn(line: string): Mechanism | 'other' {
  const named = wordsOf(line)[1]?.toUpperCase() ?? ''
  return Object.hasOwn(mechanisms, named) ? (named as Mechanism) : 'other'
}

/** The words of a line, with any number of spaces between them; in linear time. */
function wordsOf(line: string): readonly string[] {
  const text = line.trim()
  const words: string[] = []
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf(' ', start)
    if (end === -1) end = text.length
    if (end > start) words.push(text.slice(start, end))
  }
  return words
}

/** The first step, from the whole AUTH line. */
export function beginSasl(line: string, takes: Takes = {}): SaslStep {
  const words = wordsOf(line)
  const named = words[1]
  if (named === undefined) return refused(protocol.mechanismMissing)
  const name = named.toUpperCase()
  const mechanism = mechanismsOffered(takes).find((one) => one === name)
  if (mechanism === undefined) return refused(protocol.mechanism)
  return words.length > 3 ? refused(protocol.base64) : mechanisms[mechanism](words[2])
}

/**
 * In OAUTHBEARER the reason of a failure is sent as one more challenge, which the client answers with a dummy response; only then
 * comes the reply (RFC 7628 section 3.2.2). Undefined for the other mechanisms, which have the reply alone.
 */
export const failureChallenge = (mechanism: Mechanism): string | undefined =>
  mechanism === 'OAUTHBEARER' ? base64Of(JSON.stringify({ status: 'invalid_token' })) : undefined

const refused = (refusal: Refusal): SaslStep => ({ kind: 'refused', refusal })

const ask = (question: string, next: (line: string) => SaslStep): SaslStep => ({
  kind: 'challenge',
  challenge: base64Of(question),
  next: (line) => (line === '*' ? refused(protocol.loginAborted) : next(line)),
})

/** `authzid NUL authcid NUL password` (RFC 4616). Nobody may act for somebody else, so an authzid has to equal the authcid. */
function plain(line: string): SaslStep {
  const parts = decode(line)?.split('\0') ?? []
  const [authzid, username, password] = parts
  if (username === undefined || password === undefined || parts.length > 3) return refused(protocol.base64)
  return authzid === '' || authzid === username
    ? credentials('PLAIN', username, password)
    : refused(protocol.otherIdentity)
}

function loginName(line: string): SaslStep {
  const username = decode(line)
  return username === undefined || !usable(username) ? refused(protocol.base64) : ask('Password:', passwordOf(username))
}

const passwordOf =
  (username: string) =>
  (line: string): SaslStep => {
    const password = decode(line)
    return password === undefined ? refused(protocol.base64) : credentials('LOGIN', username, password)
  }

function bearer(line: string): SaslStep {
  const read = readBearer(decode(line) ?? '')
  return read === undefined ? refused(protocol.bearer) : credentials('OAUTHBEARER', read.username, read.token)
}

function external(line: string): SaslStep {
  const username = decode(line)
  return username === undefined || !(username === '' || usable(username))
    ? refused(protocol.base64)
    : { kind: 'external', mechanism: 'EXTERNAL', username }
}

const credentials = (mechanism: Exclude<Mechanism, 'EXTERNAL'>, username: string, secret: string): SaslStep =>
  usable(username) ? { kind: 'credentials', mechanism, username, secret } : refused(protocol.base64)

/** No control characters, since a username stands in log lines. */
const usable = (username: string): boolean => username !== '' && !/[\0-\x1f\x7f-\x9f]/.test(username)

const base64 = /^[A-Za-z0-9+/]*={0,2}$/
const decode = (line: string): string | undefined =>
  line.length % 4 === 0 && base64.test(line) ? Buffer.from(line, 'base64').toString() : undefined
const base64Of = (text: string): string => Buffer.from(text).toString('base64')
