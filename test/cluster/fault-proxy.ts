/** A proxy between a client and the API server, which does to their traffic what networks and busy servers do. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, Agent as HttpsAgent, request } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from '../../operator/cluster/api/connection.ts'
import { Lines } from '../../operator/cluster/api/lines.ts'
import { makeCertificates } from '../certificates.ts'
import type { Access } from './access.ts'

export type Seen = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly at: number
}

/**
 * What happens to one line of an answer. `silence` keeps the connection open and says nothing more; after `laterMs`, later lines
 * may have overtaken this one.
 */
export type LineFault =
  | 'pass'
  | 'drop'
  | 'cut'
  | 'half'
  | 'silence'
  | { readonly say: string }
  | { readonly laterMs: number }

export type Fault =
  | 'pass'
  /** The connection breaks before the request reaches the server. */
  | 'reset'
  /** The server carries the request out, and the connection breaks before the answer. */
  | 'lost'
  | 'hang'
  | { readonly delayMs: number }
  | { readonly code: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** `n` counts lines from 0; only for answers that consist of lines, such as a watch. */
  | { readonly lines: (line: string, n: number) => LineFault }

export type FaultProxy = {
  readonly connection: Connection
  readonly seen: readonly Seen[]
  /** Decides what happens to each request from now on. */
  rule: (request: Seen) => Fault
  /** Breaks all connections. */
  cutAll(): void
  close(): Promise<void>
}

/** A refusal in the form of the API server's. */
export const status = (code: number, reason: string, headers: Readonly<Record<string, string>> = {}): Fault => ({
  code,
  headers,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `${reason}, says the proxy` },
})

export async function faultProxy(access: Access): Promise<FaultProxy> {
  const { ca, cert, key } = await makeCertificates(['127.0.0.1'])
  const { login } = access
  const credentials = login.kind === 'token' ? {} : { cert: login.cert, key: login.key }
  const agent = new HttpsAgent({ keepAlive: true, ca: access.ca, ...credentials })
  const seen: Seen[] = []

  const forward = async (from: IncomingMessage, to: ServerResponse): Promise<IncomingMessage> => {
    const bearer = login.kind === 'token' ? { authorization: `Bearer ${login.token}` } : {}
    const url = new URL(from.url ?? '/', access.server)
    const sent = request(url, { method: from.method, agent, headers: { ...from.headers, ...bearer, host: url.host } })
    sent.on('error', () => to.destroy())
    to.on('close', () => sent.destroy())
    from.pipe(sent)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  }

  const server = createServer({ cert, key }, (from, to) => {
    const url = new URL(from.url ?? '/', 'https://proxy')
    const one: Seen = { method: from.method ?? '', path: url.pathname, query: url.searchParams, at: performance.now() }
    seen.push(one)
    void carryOut(proxy.rule(one), from, to, () => forward(from, to)).catch(() => to.destroy())
  })
  // A socket whose TLS handshake is not done is no connection to the server yet, but still keeps it from closing.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const proxy: FaultProxy = {
    connection: {
      server: new URL(`https://127.0.0.1:${port}`),
      login: () => Promise.resolve({ headers: {}, tls: { ca } }),
    },
    seen,
    rule: () => 'pass',
    cutAll: () => server.closeAllConnections(),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      agent.destroy()
      await once(server, 'close')
    },
  }
  return proxy
}

async function carryOut(
  fault: Fault,
  from: IncomingMessage,
  to: ServerResponse,
  forward: () => Promise<IncomingMessage>,
): Promise<void> {
  if (fault === 'reset') return void from.socket.resetAndDestroy()
  if (fault === 'hang') return
  if (fault === 'lost') {
    const answer = await forward()
    await answer.resume().toArray()
    return void from.socket.resetAndDestroy()
  }
  if (fault !== 'pass' && 'code' in fault) {
    to.writeHead(fault.code, { 'content-type': 'application/json', ...fault.headers }).end(JSON.stringify(fault.body))
    return
  }
  if (fault !== 'pass' && 'delayMs' in fault) await wait(fault.delayMs)
  const answer = await forward()
  to.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders()
  if (fault !== 'pass' && 'lines' in fault) await pipeLines(answer, to, fault.lines)
  else answer.on('error', () => to.destroy()).pipe(to)
}

async function pipeLines(
  from: IncomingMessage,
  to: ServerResponse,
  faultOf: (line: string, n: number) => LineFault,
): Promise<void> {
  const lines = new Lines(Number.POSITIVE_INFINITY)
  let n = 0
  for await (const chunk of from) {
    for (const line of lines.push(chunk)) {
      const goesOn = sayLine(line, faultOf(line, n++), to)
      if (!goesOn) return
    }
  }
  to.end()
}

/** Passes on one line, as its fault says. Returns whether anything may follow it. */
function sayLine(line: string, fault: LineFault, to: ServerResponse): boolean {
  if (fault === 'cut') to.destroy()
  else if (fault === 'half') to.write(line.slice(0, line.length / 2), () => to.destroy())
  else if (fault === 'pass') to.write(`${line}\n`)
  else if (typeof fault === 'object' && 'say' in fault) to.write(`${fault.say}\n`)
  else if (typeof fault === 'object') setTimeout(() => to.destroyed || to.write(`${line}\n`), fault.laterMs)
  return !['cut', 'half', 'silence'].some((last) => last === fault)
}
