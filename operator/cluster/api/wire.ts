/** One HTTP request to the API server, bounded in time and in size; every failure is an ApiError. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { ApiError, refusal } from './api-error.ts'
import type { Connection, Login } from './connection.ts'

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  /** For all of it: connection, headers and body; milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export type Wire = {
  /** The JSON body of a 2xx answer. */
  call(call: Call): Promise<unknown>
  /** The body of a 2xx answer as a stream; `timeoutMs` is for its headers. The caller has to end it. */
  stream(call: Call): Promise<IncomingMessage>
}

/** Far more than a page of a list or an object has. */
const maxBodyBytes = 64 * 1024 * 1024
const userAgent = 'relayfleet'

export function openWire(connection: Connection): Wire {
  const agentFor = agentsOf()

  async function send(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const login = await connection.login()
    try {
      return await answerTo(call, connection.server, login, agentFor(login), signal)
    } catch (error) {
      // The server may close an idle connection at the moment when it is used again. That is no failure, so it is tried once
      // more.
      if (!(error instanceof StaleSocket)) throw error
      return await answerTo(call, connection.server, login, agentFor(login), signal)
    }
  }

  return {
    async call(call) {
      const what = `${call.method} ${call.path}`
      const timeout = AbortSignal.timeout(call.timeoutMs)
      const signal = call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal])
      try {
        return await jsonOf(what, await send(call, signal))
      } catch (error) {
        throw troubleOf(what, error, timeout)
      }
    },
    async stream(call) {
      const what = `${call.method} ${call.path}`
      const opening = new AbortController()
      const timeout = setTimeout(() => opening.abort(), call.timeoutMs)
      const signal = call.signal === undefined ? opening.signal : AbortSignal.any([opening.signal, call.signal])
      try {
        const answer = await send(call, signal)
        if (!isGood(answer)) await jsonOf(what, answer)
        return answer
      } catch (error) {
        throw troubleOf(what, error, opening.signal)
      } finally {
        clearTimeout(timeout)
      }
    },
  }
}

/**
 * One pool of connections as long as the certificates are the same; the idle connections of an old pool are closed by the
 * server.
 */
function agentsOf(): (login: Login) => Agent {
  let current: { readonly tls: string; readonly agent: Agent } | undefined
  return ({ tls, agent }) => {
    if (agent !== undefined) return agent
    const key = JSON.stringify(Object.values(tls).map(String))
    if (current?.tls !== key) current = { tls: key, agent: new Agent({ keepAlive: true, ...tls }) }
    return current.agent
  }
}

class StaleSocket extends Error {}

async function answerTo(
  { method, path, query = {}, body, contentType = 'application/json', accept = 'application/json' }: Call,
  server: URL,
  login: Login,
  agent: Agent,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(`${server.pathname.replace(/\/$/, '')}${path}?${new URLSearchParams(query)}`, server)
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const headers = {
    ...login.headers,
    accept,
    'user-agent': userAgent,
    ...(content === undefined ? {} : { 'content-type': contentType, 'content-length': content.length }),
  }
  const sent = request(url, { method, headers, agent, signal, servername: login.tls.servername })
  // Once there is an answer, its stream tells of errors, and the request only repeats them.
  sent.on('error', () => undefined)
  sent.end(content)
  try {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  } catch (error) {
    const stale = sent.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
    throw stale ? new StaleSocket('the connection was closed while idle', { cause: error }) : error
  }
}

const isGood = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300

async function jsonOf(what: string, answer: IncomingMessage): Promise<unknown> {
  const text = await textOf(answer, maxBodyBytes)
  const body = parsed(text)
  if (!isGood(answer)) throw refusal(what, answer.statusCode ?? 0, body ?? text, retryAfterMs(answer))
  if (body === undefined) throw new ApiError('garbled', `${what}: the answer is no JSON`)
  return body
}

/** The whole body. @throws RangeError where it has more octets than `most` */
export async function textOf(answer: IncomingMessage, most: number): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of answer) {
    parts.push(part)
    length += part.length
    if (length > most) throw new RangeError(`an answer of more than ${most} octets`)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['retry-after'])
  return headers['retry-after'] === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000
}

function troubleOf(what: string, error: unknown, timeout: AbortSignal): ApiError {
  if (error instanceof ApiError) return error
  const { message } = error as Error
  return timeout.aborted
    ? new ApiError('late', `${what}: no whole answer in time`, { cause: error })
    : new ApiError('unreachable', `${what}: ${message}`, { cause: error })
}
