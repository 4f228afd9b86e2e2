/** The programs of a cluster: the Go package of each, and its file once it was built. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { programFile } from '../local/programs.ts'

/** The folders with go.mod and go.sum: for the cluster, and for the chart's tools, which need other versions of some modules. */
export const modules = join(import.meta.dirname, 'programs')
export const chartModules = join(import.meta.dirname, '../chart/programs')

/** What an API server needs to run alone, and the controllers that fill its namespaces. */
export const apiPrograms = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
} as const

/** What a machine that runs pods needs in addition, next to a container runtime. */
export const nodePrograms = {
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
} as const

export const chartPrograms = {
  helm: 'helm.sh/helm/v4/cmd/helm',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
} as const

export type ApiProgram = keyof typeof apiPrograms
export type Environment = Readonly<Record<string, string | undefined>>

/** A key of all versions of the modules, so that programs of other versions are kept apart. */
const modulesKey = (from: string): string =>
  createHash('sha256')
    .update(readFileSync(join(from, 'go.sum')))
    .digest('hex')
    .slice(0, 16)

export const kubernetesVersion = (): string =>
  /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(modules, 'go.mod'), 'utf8'))?.[1] ?? 'v0.0.0'

const caches = (env: Environment): string => env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')

/** Where programs of exactly these modules are built. */
export const binFolder = (env: Environment, from = modules): string =>
  join(caches(env), 'relayfleet/cluster', modulesKey(from))

/** Another place that may have a program; the key of its modules is in a file beside it. */
function fromTestbed(name: string, env: Environment, from: string): string | undefined {
  const file = join(caches(env), 'testbed/bin', name)
  if (!existsSync(file) || !existsSync(`${file}.key`)) return undefined
  return readFileSync(`${file}.key`, 'utf8').trim() === modulesKey(from) ? file : undefined
}

/** The file of a program that was built from exactly these modules; undefined if there is none. */
export function builtProgram(name: string, env: Environment, from = modules): string | undefined {
  const own = join(binFolder(env, from), name)
  return existsSync(own) ? own : fromTestbed(name, env, from)
}

/** The file of helm or kubeconform: on PATH, built from our modules, or of any version where a cluster of this machine has it. */
export function chartProgram(name: keyof typeof chartPrograms, env: Environment): string | undefined {
  const other = join(caches(env), 'testbed/bin', name)
  return programFile(name) ?? builtProgram(name, env, chartModules) ?? (existsSync(other) ? other : undefined)
}

/**
 * Whether a suite of the chart can run, for `describe.runIf`.
 * @throws Error in CI if Go is installed, which could have compiled the program
 */
export function chartProgramInstalled(name: keyof typeof chartPrograms, env: Environment): boolean {
  if (chartProgram(name, env) !== undefined) return true
  const what = `there is no ${name}; \`npm run cluster:build\` compiles it where Go is`
  if (env['CI'] !== undefined && programFile('go') !== undefined) throw new Error(what)
  process.stderr.write(`\n*** SKIPPED, tests of the chart: ${what} ***\n`)
  return false
}
