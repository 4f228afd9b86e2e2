/** A smarthost that follows a script, and remembers what was sent to it. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, type SecureContextOptions, TLSSocket, type TLSSocketOptions } from 'node:tls'
import { onTestFinished } from '../../own-test.ts'
import { type Behaviour, type Script, type ScriptStage, say, usual } from './behaviour.ts'
import { type Received, SmarthostSession } from './smarthost-session.ts'

type Pair = { readonly cert: string; readonly key: string }
/** With `wantsOurs`, a client without a certificate is refused; in TLS 1.3, it learns so only after its handshake. */
type Certificate = Pick<SecureContextOptions, 'ciphers' | 'dhparam' | 'ecdhCurve' | 'maxVersion'> &
  Pair & {
    readonly wantsOurs?: boolean
    /** Shown to who asks for these names (RFC 6066 section 3). */
    readonly byName?: Readonly<Record<string, Pair>>
  }

export type Options = {
  readonly script?: Script
  /** Makes a script for each connection, for one that counts within it. It takes precedence over `script`. */
  readonly session?: () => Script
  /** The keywords in the reply to EHLO. */
  readonly offers?: readonly string[]
  readonly certificate?: Certificate
  readonly tlsFromStart?: boolean
  /** After this many octets of a content, the script is asked for the stage `content`; by default never. */
  readonly contentOctets?: number
  readonly port?: number
  /** The address that it listens at; 127.0.0.1 by default. */
  readonly address?: string
}

export const everything = ['PIPELINING', '8BITMIME', 'SIZE 10000000', 'SMTPUTF8'] as const

/** Starts a smarthost that is stopped when the test ends. */
export async function startSmarthost(options: Options = {}): Promise<Smarthost> {
  const smarthost = await openSmarthost(options)
  onTestFinished(smarthost.stop)
  return smarthost
}

export type Smarthost = Awaited<ReturnType<typeof openSmarthost>>

/** Starts a smarthost that the caller has to stop. */
export async function openSmarthost(options: Options = {}) {
  const { certificate, tlsFromStart = false, offers = everything, contentOctets = Number.POSITIVE_INFINITY } = options
  const script = { ...options.script }
  const received: Received[] = []
  const lines: string[] = []
  const sockets = new Set<Socket>()
  const times = new Map<ScriptStage, number>()
  let connections = 0
  let most = 0

  const behaviourIn =
    (session: Script) =>
    (stage: ScriptStage, line: string): Behaviour => {
      const time = times.get(stage) ?? 0
      times.set(stage, time + 1)
      const scripted = session[stage] ?? script[stage]
      const chosen = typeof scripted === 'function' ? scripted(time, line) : scripted
      return chosen ?? (stage === 'EHLO' ? say(ehloReply(offers)) : usual[stage])
    }

  const server = createServer((socket) => {
    const connection = ++connections
    const behaviourOf = behaviourIn(options.session?.() ?? {})
    sockets.add(socket)
    most = Math.max(most, sockets.size)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.setNoDelay(true)
    const serve = (on: Socket, greet: boolean): void => {
      const upgrade = certificate && ((plain: Socket) => secure(plain, certificate, (s) => serve(s, false)))
      const host = {
        behaviourOf,
        contentOctets,
        upgrade,
        onLine: (line: string) => void lines.push(line),
        onReceived: (mail: Omit<Received, 'connection'>) => void received.push({ ...mail, connection }),
      }
      new SmarthostSession(on, host, greet)
    }
    if (tlsFromStart && certificate !== undefined) secure(socket, certificate, (s) => serve(s, true))
    else serve(socket, true)
  })
  server.listen(options.port ?? 0, options.address ?? '127.0.0.1')
  await once(server, 'listening')
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const stop = async (): Promise<void> => {
    dropAll()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    port: (server.address() as AddressInfo).port,
    /** The script, which may be changed while it runs. */
    script,
    received,
    /** All lines that were sent to it, without contents. */
    lines,
    /** How often a stage was reached. */
    times: (stage: ScriptStage) => times.get(stage) ?? 0,
    connections: () => connections,
    /** The most connections that were open at the same time; `open` is how many are open now. */
    most: () => most,
    open: () => sockets.size,
    dropAll,
    /** From now on the system refuses further connections (ECONNREFUSED); those that are open stay. */
    listenNoMore: () => void server.close(),
    /** Sends an unsolicited line on every connection. */
    tell: (text: string) => {
      for (const socket of sockets) socket.write(text)
    },
    stop,
  }
}

function ehloReply(offers: readonly string[]): string {
  const all = ['smarthost.test', ...offers]
  return all.map((keyword, i) => `250${i === all.length - 1 ? ' ' : '-'}${keyword}`).join('\r\n')
}

function secure(socket: Socket, certificate: Certificate, ready: (secured: Socket) => void): void {
  const { wantsOurs = false, byName = {}, ...own } = certificate
  const wanted = { requestCert: wantsOurs, rejectUnauthorized: wantsOurs }
  const SNICallback: TLSSocketOptions['SNICallback'] = (name, answer) =>
    answer(null, createSecureContext(byName[name] ?? own))
  const secureContext = createSecureContext(own)
  const secured = new TLSSocket(socket, { isServer: true, secureContext, SNICallback, ...wanted })
  secured.on('error', () => socket.destroy())
  secured.once('secure', () => ready(secured))
}
