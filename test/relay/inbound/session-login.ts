/** A login as RFC 4954 and RFC 4616 have it: what becomes of an AUTH line, and of each answer to a challenge. */
import { app } from './submission-under-test.ts'

/** A login that waits for its next line. */
export type Login = { readonly by: 'PLAIN' | 'LOGIN'; readonly username?: string }

/** One of the things that may come of a line. */
export type Step =
  | { readonly kind: 'ask'; readonly login: Login }
  | { readonly kind: 'in' }
  | { readonly kind: 'failed' }
  /** An error of the protocol. */
  | { readonly kind: 'refused'; readonly reply: string }

const refused = (reply: string): Step => ({ kind: 'refused', reply })
const ask = (login: Login): Step => ({ kind: 'ask', login })
const malformed = refused('501 5.5.2')

/** In place of the answer, in which `*` gives the login up. */
export function stepsOf(answer: string, { by, username }: Login, isInitial = false): readonly Step[] {
  if (answer === '*' && !isInitial) return [refused('501 5.7.0')]
  if (!base64.test(answer)) return [malformed]
  const text = Buffer.from(answer, 'base64').toString()
  if (by === 'PLAIN') return ofPlain(text)
  // AUTH LOGIN is no standard: what is no text may be refused, or compared as it is.
  const orMalformed = isPrintable(text) ? [] : [malformed]
  if (username === undefined) return text === '' ? [malformed] : [...orMalformed, ask({ by, username: text })]
  return [...orMalformed, proven(username, text)]
}

export function stepsOfAuth(line: string): readonly Step[] {
  const [, mechanism, initial, more] = line.split(' ')
  if (mechanism === undefined) return [refused('501 5.5.4')]
  const by = mechanism.toUpperCase()
  if (by !== 'PLAIN' && by !== 'LOGIN') return [refused('504 5.5.4')]
  if (more !== undefined) return [malformed, refused('501 5.5.4')]
  if (initial === undefined) return [ask({ by })]
  return stepsOf(initial === '=' ? '' : initial, { by }, true)
}

export function challengeOf({ by, username }: Login): string {
  if (by === 'PLAIN') return ''
  return Buffer.from(username === undefined ? 'Username:' : 'Password:').toString('base64')
}

/** RFC 4616 section 2. */
function ofPlain(text: string): readonly Step[] {
  const [authorization, username = '', password, ...rest] = text.split('\0')
  if (username === '' || password === undefined || rest.length > 0) return [malformed]
  if (authorization !== '' && authorization !== username) return [refused('535 5.7.8')]
  return password === '' ? [malformed, { kind: 'failed' }] : [proven(username, password)]
}

const proven = (username: string, password: string): Step =>
  username === app.username && password === app.password ? { kind: 'in' } : { kind: 'failed' }

const base64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/
const isPrintable = (text: string): boolean => !/[\0-\x1f\x7f-\x9f\ufffd]/.test(text)
