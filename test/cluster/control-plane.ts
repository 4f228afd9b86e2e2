/** A control plane of our own: etcd, the API server and, if it is there, the controller manager; all on 127.0.0.1. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../local/free-port.ts'
import { programFile } from '../local/programs.ts'
import { until } from '../local/until.ts'
import { type Access, kubeconfig } from './access.ts'
import { apiOf } from './api.ts'
import { type Authority, newAuthority, type Pair, tokenKeys } from './authority.ts'
import type { Choice } from './choose.ts'
import type { Cluster, Hold } from './held.ts'

type Files = Extract<Choice, { kind: 'control-plane' }>['files']
type Flags = Readonly<Record<string, string | number | boolean>>

const argsOf = (flags: Flags): readonly string[] => Object.entries(flags).map(([name, value]) => `--${name}=${value}`)

/** A command to put before a program, so that the kernel ends it when its starter is killed; empty without setpriv. */
const dieWithParent = (): readonly string[] => {
  const setpriv = programFile('setpriv')
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--']
}

function start(name: string, file: string, flags: Flags, { folder, atClose }: Hold): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'a')
  const [program = '', ...args] = [...dieWithParent(), file, ...argsOf(flags)]
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] })
  atClose(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** Without fsync: the data is thrown away in the end, and the disk is left to what is being tested. */
const etcdFlags = (folder: string, client: string, peer: string): Flags => ({
  'data-dir': join(folder, 'etcd'),
  'unsafe-no-fsync': true,
  'log-level': 'error',
  'listen-client-urls': client,
  'advertise-client-urls': client,
  'listen-peer-urls': peer,
  'initial-advertise-peer-urls': peer,
  'initial-cluster': `default=${peer}`,
})

const serverFlags = (folder: string, etcd: string, port: number): Flags => ({
  'etcd-servers': etcd,
  'bind-address': '127.0.0.1',
  'secure-port': port,
  'advertise-address': '127.0.0.1',
  // Otherwise, the API server would make 127.0.0.1 the endpoint of the service `kubernetes`, which is not a legal one.
  'endpoint-reconciler-type': 'none',
  'service-cluster-ip-range': '198.19.0.0/16',
  'tls-cert-file': join(folder, 'server.crt'),
  'tls-private-key-file': join(folder, 'server.key'),
  'client-ca-file': join(folder, 'ca.crt'),
  'service-account-issuer': 'https://kubernetes.default.svc',
  'service-account-key-file': join(folder, 'tokens.pub'),
  'service-account-signing-key-file': join(folder, 'tokens.key'),
  'authorization-mode': 'Node,RBAC',
  'enable-admission-plugins': 'NodeRestriction',
  'allow-privileged': true,
})

const controllerFlags = (folder: string): Flags => ({
  kubeconfig: join(folder, 'controllers.kubeconfig'),
  'service-account-private-key-file': join(folder, 'tokens.key'),
  'root-ca-file': join(folder, 'ca.crt'),
  'use-service-account-credentials': true,
  'leader-elect': false,
  'secure-port': 0,
})

function writeKeys(folder: string, ca: string, server: Pair): void {
  const tokens = tokenKeys()
  const files = { 'ca.crt': ca, 'server.crt': server.cert, 'server.key': server.key }
  const all = { ...files, 'tokens.key': tokens.private, 'tokens.pub': tokens.public }
  for (const [name, content] of Object.entries(all)) writeFileSync(join(folder, name), content, { mode: 0o600 })
}

async function accessFor(subject: string, authority: Authority, server: string): Promise<Access> {
  return { server, ca: authority.ca, login: { kind: 'certificate', ...(await authority.client(subject)) } }
}

/**
 * Waits until the API server is ready.
 * @throws Error with the end of a program's log if it ends, or when the server is not ready in time
 */
async function ready(access: Access, started: Readonly<Record<string, ChildProcess>>, folder: string): Promise<void> {
  const api = apiOf(access)
  await until(
    'the API server is ready',
    async () => {
      for (const [name, { exitCode }] of Object.entries(started)) {
        if (exitCode !== null)
          throw new Error(`${name} ended: ${readFileSync(join(folder, `${name}.log`), 'utf8').slice(-2000)}`)
      }
      return (await api.get('/readyz').catch(() => undefined))?.status === 200
    },
    60_000,
  )
}

export async function openControlPlane(files: Files, hold: Hold): Promise<Cluster> {
  const { folder, run } = hold
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
  const port = await freePort()
  const authority = await newAuthority()
  writeKeys(folder, authority.ca, await authority.server())
  const access = await accessFor('O=system:masters, CN=admin', authority, `https://127.0.0.1:${port}`)
  const controllers = await accessFor('CN=system:kube-controller-manager', authority, access.server)
  const mode = { mode: 0o600 }
  writeFileSync(join(folder, 'admin.kubeconfig'), kubeconfig(access), mode)
  writeFileSync(join(folder, 'controllers.kubeconfig'), kubeconfig(controllers), mode)

  const etcd = start('etcd', files.etcd, etcdFlags(folder, client, peer), hold)
  const server = start('kube-apiserver', files['kube-apiserver'], serverFlags(folder, client, port), hold)
  await ready(access, { etcd, 'kube-apiserver': server }, folder)
  const manager = files['kube-controller-manager']
  if (manager !== undefined) start('kube-controller-manager', manager, controllerFlags(folder), hold)
  return {
    tier: 'api',
    run,
    kubeconfig: join(folder, 'admin.kubeconfig'),
    kubectl: files.kubectl,
    access,
    controllers: manager !== undefined,
  }
}
