/** Receivers: aiosmtpd, which keeps every message, Postfix's smtp-sink, which only counts them, and a fast one of our own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'
import type { Seen } from './history.ts'
import { programFile, python } from './programs.ts'
import { until } from './until.ts'

/** One message as receiver.py noted it. */
export type Arrival = {
  readonly number: number
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly tls: boolean
  readonly login: string | null
  readonly bytes: number
  /** The value of X-Load-Id, and the SHA-256 (in hex) of everything from that field on; absent if the message has none. */
  readonly id?: string
  readonly digest?: string
  readonly file?: string
}

export type Receiver = {
  readonly port: number
  /** Everything that has arrived until now, over all starts of the receiver. */
  arrivals(): readonly Arrival[]
  stop(): Promise<void>
  /** Starts it again, at the same port. */
  start(): Promise<void>
}

export type ReceiverOptions = {
  readonly port?: number
  /** Files with a certificate and its key; STARTTLS is then required. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly login?: { readonly username: string; readonly password: string }
  /** The address that it listens at; 127.0.0.1 by default. */
  readonly host?: string
  /** A command to put before its own, which runs it in another network namespace. */
  readonly side?: readonly string[]
  /** Whether the octets of each message are kept; true by default. */
  readonly keep?: boolean
}

/** Starts aiosmtpd; what arrives is noted under `folder`. */
export async function startReceiver(folder: string, o: ReceiverOptions = {}): Promise<Receiver> {
  const log = join(folder, 'arrivals.jsonl')
  const store = join(folder, 'messages')
  mkdirSync(store, { recursive: true })
  const args = [
    ...['--log', log],
    ...(o.host === undefined ? [] : ['--host', o.host]),
    ...(o.keep === false ? [] : ['--store', store]),
    ...(o.tls ? ['--cert', o.tls.cert, '--key', o.tls.key] : []),
    ...(o.login ? ['--username', o.login.username, '--password', o.login.password] : []),
  ]
  const arrivals = appended(log)
  let running = await startPython(o.port ?? 0, args, o.side)
  return {
    port: running.port,
    arrivals,
    stop: () => end(running.child),
    start: async () => {
      running = await startPython(running.port, args, o.side)
    },
  }
}

function startPython(port: number, args: readonly string[], side: readonly string[] = []) {
  const script = join(import.meta.dirname, 'receiver.py')
  const [program = '', ...rest] = [...side, python, script, '--port', `${port}`, ...args]
  return startListening(program, rest)
}

/** Starts a program that prints its port when it listens. */
async function startListening(
  program: string,
  args: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => {
      throw new Error(`${args[0]} ended before it listened`)
    }),
  ])
  return { child, port: Number(line) }
}

/** Starts our own receiver: it notes arrivals as aiosmtpd does, keeps no contents, and takes many thousands a second. */
export async function startSwiftReceiver(folder: string): Promise<Pick<Receiver, 'port' | 'arrivals' | 'stop'>> {
  const log = join(folder, 'arrivals.jsonl')
  const { child, port } = await startListening(process.execPath, [
    join(import.meta.dirname, 'swift-receiver.ts'),
    '--log',
    log,
  ])
  return { port, arrivals: appended(log), stop: () => end(child) }
}

/** All arrivals in the file so far; each call reads only what was appended since the last one. */
function appended(file: string): () => readonly Arrival[] {
  const all: Arrival[] = []
  let offset = 0
  let rest = ''
  return () => {
    if (!existsSync(file)) return all
    const fd = openSync(file, 'r')
    const chunk = Buffer.alloc(1 << 20)
    for (
      let n = readSync(fd, chunk, 0, chunk.length, offset);
      n > 0;
      n = readSync(fd, chunk, 0, chunk.length, offset)
    ) {
      offset += n
      const lines = (rest + chunk.toString('latin1', 0, n)).split('\n')
      rest = lines.pop() ?? ''
      all.push(...lines.map((line) => JSON.parse(line) as Arrival))
    }
    closeSync(fd)
    return all
  }
}

/** An arrival as the checker of histories takes it; without an id, it is known by its number. */
export const seen = (a: Arrival): Arrival & Seen => ({
  ...a,
  id: a.id ?? `(number ${a.number})`,
  digest: a.digest ?? '',
})

/** The octets of a message as they came over the wire. */
export const bytesOf = (arrival: Arrival): string => readFileSync(arrival.file ?? '', 'latin1')

export type Sink = { readonly port: number; readonly pid: number; delivered(): number; stop(): Promise<void> }

/** Starts smtp-sink, which counts messages and throws them away. */
export async function startSink(): Promise<Sink> {
  const port = await freePort()
  // As root, smtp-sink refuses to run without a user to change to.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(programFile('smtp-sink') ?? 'smtp-sink', ['-c', ...user, `127.0.0.1:${port}`, '1024'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let delivered = 0
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    delivered = Number([...text.matchAll(/mesg=(\d+)/g)].at(-1)?.[1] ?? delivered)
  })
  await until(`smtp-sink listens at ${port}`, () => reachable(port))
  return { port, pid: child.pid ?? 0, delivered: () => delivered, stop: () => end(child) }
}

export const reachable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.destroy()).once('error', () => resolve(false))
    socket.once('close', (failed) => resolve(!failed))
  })

/** Asks a process to end and waits until it has. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}
