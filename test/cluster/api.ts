/** The Kubernetes API as plain requests and answers, with nothing between a test and the server. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Access } from './access.ts'

export type KubeObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** One thing that is wrong with an object. */
export type Cause = { readonly field?: string; readonly message?: string }

/** The body of an answer that refuses a request. */
export type Refusal = {
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly causes?: readonly Cause[] }
}

export type Answer = {
  readonly status: number
  /** Parsed if it is JSON; otherwise text, such as a log. */
  readonly body: unknown
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
const patchTypes = {
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

export type Api = {
  request(method: Method, path: string, body?: unknown, contentType?: string): Promise<Answer>
  get(path: string): Promise<Answer>
  create(path: string, object: unknown): Promise<Answer>
  replace(path: string, object: unknown): Promise<Answer>
  patch(path: string, change: unknown, type?: keyof typeof patchTypes): Promise<Answer>
  remove(path: string): Promise<Answer>
}

const loginOptions = ({ login }: Access): object => (login.kind === 'token' ? {} : { cert: login.cert, key: login.key })

const isJson = ({ headers }: IncomingMessage): boolean => headers['content-type'] === 'application/json'

async function answerOf(message: IncomingMessage): Promise<Answer> {
  const body = await text(message)
  return { status: message.statusCode ?? 0, body: isJson(message) ? JSON.parse(body) : body }
}

/** `extra` has headers for every request, e.g. to impersonate an account. */
export function apiOf(access: Access, extra: Readonly<Record<string, string>> = {}): Api {
  const agent = new Agent({ keepAlive: true, ca: access.ca, ...loginOptions(access) })
  const bearer = access.login.kind === 'token' ? { authorization: `Bearer ${access.login.token}` } : {}
  const call: Api['request'] = async (method, path, body, contentType = 'application/json') => {
    const content = body === undefined ? undefined : JSON.stringify(body)
    // Node does not set these by itself for a DELETE with a body.
    const described =
      content === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(content) }
    const headers = { ...bearer, ...extra, ...described }
    const sent = request(new URL(path, access.server), { method, agent, headers })
    sent.end(content)
    const [answer] = await once(sent, 'response')
    return answerOf(answer)
  }
  return {
    request: call,
    get: (path) => call('GET', path),
    create: (path, object) => call('POST', path, object),
    replace: (path, object) => call('PUT', path, object),
    patch: (path, change, type = 'merge') => call('PATCH', path, change, patchTypes[type]),
    remove: (path) => call('DELETE', path),
  }
}

/**
 * The object of an answer.
 * @throws Error with the server's message, if it refused the request.
 */
export function accepted({ status, body }: Answer): KubeObject {
  if (status >= 200 && status < 300) return body as KubeObject
  throw new Error(`the API server answered ${status}: ${(body as Refusal)?.message ?? String(body)}`)
}
