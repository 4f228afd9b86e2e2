/** The programs of a cluster: the Go package that makes each, and its file once it was made. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where go.mod and go.sum are. */
export const modules = join(import.meta.dirname, 'programs')

/** What an API server needs to stand alone, and the controllers that fill its namespaces. */
export const apiPrograms = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
} as const

/** What a machine that runs pods needs besides, next to a container runtime. */
export const nodePrograms = {
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
} as const

export type ApiProgram = keyof typeof apiPrograms
export type Environment = Readonly<Record<string, string | undefined>>

/** Names the versions: programs of other modules are other programs. */
const modulesKey = (): string =>
  createHash('sha256')
    .update(readFileSync(join(modules, 'go.sum')))
    .digest('hex')
    .slice(0, 16)

export const kubernetesVersion = (): string =>
  /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(modules, 'go.mod'), 'utf8'))?.[1] ?? 'v0.0.0'

const caches = (env: Environment): string => env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')

/** Where programs of these very modules are built to. */
export const binFolder = (env: Environment): string => join(caches(env), 'relayfleet/cluster', modulesKey())

/** Another place that may have them: there, each program's key is in a file beside it. */
function fromTestbed(name: string, env: Environment): string | undefined {
  const file = join(caches(env), 'testbed/bin', name)
  if (!existsSync(file) || !existsSync(`${file}.key`)) return undefined
  return readFileSync(`${file}.key`, 'utf8').trim() === modulesKey() ? file : undefined
}

/** A program built from these very modules. */
export function builtProgram(name: string, env: Environment): string | undefined {
  const own = join(binFolder(env), name)
  return existsSync(own) ? own : fromTestbed(name, env)
}
