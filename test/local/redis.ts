/** A redis-server of a suite's own, which can be killed, paused and started again at the same port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import type { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { programFile } from './programs.ts'
import { until } from './until.ts'

type Options = {
  /** With certificates, the port takes only TLS. */
  readonly certificates?: Awaited<ReturnType<typeof makeCertificates>>
  readonly password?: string
}

export type Redis = {
  readonly port: number
  start(): Promise<void>
  /** Ends it; all its data is lost, as in a failover to an empty replica. */
  kill(): Promise<void>
  /** Stops its process: connections are still accepted, by the kernel, but nothing is answered. */
  pause(): void
  resume(): void
  command(...words: readonly string[]): Promise<unknown>
  stop(): Promise<void>
}

export async function startRedis({ certificates, password }: Options = {}): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-redis-'))
  const port = await freePort()
  mkdirSync(join(folder, 'tls'))
  const at = (name: string): string => join(folder, 'tls', name)
  for (const [name, text] of Object.entries(certificates ?? {})) writeFileSync(at(name), text)
  const listens =
    certificates === undefined
      ? ['--port', `${port}`]
      : ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no']
  const tls = ['--tls-cert-file', at('cert'), '--tls-key-file', at('key'), '--tls-ca-cert-file', at('ca')]
  const words = [
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    ...listens,
    ...(certificates === undefined ? [] : tls),
    ...(password === undefined ? [] : ['--requirepass', password]),
  ]
  let child: ChildProcess | undefined

  async function command(...of: readonly string[]): Promise<unknown> {
    const client = createClient({
      RESP: 2,
      socket: {
        host: '127.0.0.1',
        port,
        reconnectStrategy: false,
        ...(certificates !== undefined && { tls: true, ca: certificates.ca }),
      },
      ...(password !== undefined && { password }),
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.sendCommand([...of])
    } finally {
      if (client.isOpen) client.destroy()
    }
  }
  const redis: Redis = {
    port,
    async start() {
      child = spawn(programFile('redis-server') ?? 'redis-server', words, { stdio: 'ignore' })
      await until('redis-server answers', () => command('PING').catch(() => undefined))
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    command,
    async stop() {
      await redis.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await redis.start()
  return redis
}
