/** The operator as a process of the command line, through a proxy of its own that notes its requests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cli } from '../shipped.ts'
import { theCluster } from './cluster.ts'
import { faultProxy, type Seen } from './fault-proxy.ts'

export type Line = { readonly msg: string; readonly time: string; readonly [fact: string]: unknown }

export type OperatorChild = {
  readonly process: ChildProcess
  readonly lines: readonly Line[]
  /** The end of its output, for the message of a wait that failed. */
  said(): string
  /** Its requests that change something, without those for its Lease and dry runs. */
  writes(): readonly Seen[]
  /** Whether it has the Lease, by the last that it logged on it. */
  leads(): boolean
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals>
  close(): Promise<void>
}

const isWrite = ({ method, path, query }: Seen): boolean =>
  method !== 'GET' && !query.has('dryRun') && !path.includes('/leases')

/** Starts an operator that watches one namespace, which also has its Lease. */
export async function operatorChild(namespace: string, folder: string, name: string): Promise<OperatorChild> {
  const proxy = await faultProxy(theCluster().access)
  const kubeconfig = join(folder, `${name}.kubeconfig`)
  writeFileSync(kubeconfig, await kubeconfigTo(proxy.connection))
  const args = [
    'run',
    '--namespace',
    namespace,
    '--watch-namespaces',
    namespace,
    '--image=relayfleet.dev/relayfleet:test',
  ]
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('RELAYFLEET_')))
  const child = spawn(process.execPath, [cli, ...args, '--kubeconfig', kubeconfig, '--metrics-bind=127.0.0.1:0'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Line[] = []
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line))
  return {
    process: child,
    lines,
    said: () =>
      `${lines
        .slice(-20)
        .map((line) => JSON.stringify(line))
        .join('\n')}\n${errors}`,
    writes: () => proxy.seen.filter(isWrite),
    leads: () => lines.findLast(({ msg }) => msg.startsWith('leads'))?.msg === 'leads',
    exit: once(child, 'close').then(([code, signal]) => code ?? signal),
    async close() {
      child.kill('SIGKILL')
      await proxy.close()
    },
  }
}

async function kubeconfigTo({ server, login }: Awaited<ReturnType<typeof faultProxy>>['connection']): Promise<string> {
  const { ca } = (await login()).tls
  const cluster = { server: server.href, 'certificate-authority-data': Buffer.from(String(ca)).toString('base64') }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  })
}
