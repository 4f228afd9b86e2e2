/** One relay as a process of its own, with its configuration and data in a folder; it can be ended and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { printConfig, type RelayConfig, verifierOf } from '../../relay/config.ts'
import type { RelayStatus } from '../../relay/http.ts'
import { nodeFlags } from '../../relay/node-flags.ts'
import type { makeCertificates } from '../certificates.ts'
import { route, smarthost } from '../relay/delivery/samples.ts'
import { credential, policy, sender } from '../relay/policy.ts'
import { relayMain } from '../shipped.ts'
import type { Access } from './smtp-session.ts'
import { until } from './until.ts'

type Certificates = Awaited<ReturnType<typeof makeCertificates>>

export const login = { username: 'load', password: 'a-password-for-the-load' }
export const senderDomain = 'corp.test'

type Way = { readonly listenPort: number; readonly smarthostPort: number; readonly maxConnections: number }

/** A closed Production relay with one credential, which sends as corp.test through one smarthost on this machine. */
export const loadConfig = ({ listenPort, smarthostPort, maxConnections }: Way): RelayConfig =>
  policy({
    policy: 'mail/load',
    hostname: 'relay.test',
    listeners: [
      {
        name: 'submission',
        address: '127.0.0.1',
        port: listenPort,
        tls: { mode: 'StartTLS', minVersion: '1.2', certificateFile: 'tls.crt', keyFile: 'tls.key' },
        bareNewlines: 'Reject',
      },
    ],
    limits: { ...policy().limits, connectionsPerClient: 1000, messagesPerConnection: 1_000_000 },
    credentials: [
      credential({
        name: 'mail/load',
        username: login.username,
        keys: [{ id: 'first', verifier: verifierOf(login.password) }],
        senders: [sender({ domain: senderDomain })],
      }),
    ],
    routes: [
      route('default', [smarthost('receiver', smarthostPort, { maxConnections })], {
        retry: { scheduleMs: [1000], expireAfterMs: 86_400_000 },
      }),
    ],
    queue: { maxBytes: 10_737_418_240, maxAgeMs: 600_000 },
  })

/** Writes the files that a relay reads; written again, they change a relay that runs. */
export function writeRelay(folder: string, config: RelayConfig, { cert, key }: Certificates): void {
  mkdirSync(join(folder, 'config'), { recursive: true })
  putFile(folder, 'tls.crt', cert)
  putFile(folder, 'tls.key', key)
  putFile(folder, 'relay.json', printConfig(config))
}

/** Writes one of them, in one step: a relay that looks meanwhile would find it empty, and tell of that. */
export function putFile(folder: string, name: string, text: string): void {
  const beside = join(folder, `${name}.tmp`)
  writeFileSync(beside, text, { mode: 0o600 })
  renameSync(beside, join(folder, 'config', name))
}

export type Relay = {
  readonly pid: number
  status(): Promise<RelayStatus>
  /** The value of the first sample of this name in /metrics, whatever its labels; 0 without one. */
  metric(name: string): Promise<number>
  /** All of /metrics. */
  metrics(): Promise<string>
  /** Sends the signal and waits for the end; the exit code, or null if the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

type Endpoints = {
  readonly pid: number
  readonly http: { readonly port: number }
  readonly listeners: readonly unknown[]
}

/**
 * Starts a relay process with Node's flags as they ship. `trace` is put before its command line; `main` may name a bundle in
 * place of that. It may not listen yet: see `listening`.
 */
export function spawnRelay(folder: string, trace: readonly string[] = [], main = relayMain): ChildProcess {
  const data = join(folder, 'data')
  rmSync(join(data, 'endpoints.json'), { force: true })
  const log = openSync(join(folder, 'relay.log'), 'a')
  const relay = [process.execPath, ...nodeFlags(main), main, '--config', join(folder, 'config'), '--data', data]
  const [program = '', ...args] = [...trace, ...relay, '--http', '127.0.0.1:0', '--parent-pipe']
  // Where its calls are looked at, it makes those of a relay only: a cache of compiled code is written when a process ends.
  const env = trace.length === 0 ? process.env : { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
  return spawn(program, args, { env, stdio: ['pipe', log, log] })
}

/**
 * Waits until the relay listens.
 * @throws Error with the end of its log if it ends instead.
 */
export async function listening(folder: string, child: ChildProcess): Promise<Relay> {
  const { pid, http } = await until(`the relay in ${folder} listens`, () => {
    if (child.exitCode !== null) throw new Error(`the relay ended: ${endOf(join(folder, 'relay.log'))}`)
    return endpointsOf(folder)
  })
  const page = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${http.port}${path}`)
  const metrics = async (): Promise<string> => (await page('/metrics')).text()
  return {
    pid,
    status: async () => (await page('/status')).json() as Promise<RelayStatus>,
    metrics,
    metric: async (name) => {
      const lines = (await metrics()).split('\n')
      return Number(
        lines
          .find((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
          ?.split(' ')
          .at(-1) ?? 0,
      )
    },
    end: async (signal) => {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      process.kill(pid, signal)
      await exited
      return child.exitCode
    },
  }
}

export const startRelay = (folder: string, trace?: readonly string[], main?: string): Promise<Relay> =>
  listening(folder, spawnRelay(folder, trace, main))

function endpointsOf(folder: string): Endpoints | undefined {
  const file = join(folder, 'data/endpoints.json')
  if (!existsSync(file)) return undefined
  const endpoints = JSON.parse(readFileSync(file, 'utf8')) as Endpoints
  return endpoints.listeners.length > 0 ? endpoints : undefined
}

const endOf = (file: string): string => readFileSync(file, 'utf8').slice(-2000)

export const accessTo = (port: number, { ca }: Certificates): Access => ({
  host: '127.0.0.1',
  port,
  tls: 'StartTLS',
  ca,
  login,
})
