/** Installs Relayfleet in a cluster as its users do: by helm and kubectl, with the image that ships. */
import { spawnSync } from 'node:child_process'
import { inject } from 'vitest'
import type { Packed } from '../../../image/pack.ts'
import { chart, release, runHelm } from '../../chart/helm.ts'
import { until } from '../../local/until.ts'
import { type Api, apiOf } from '../api.ts'
import { theCluster } from '../cluster.ts'
import type { Condition } from '../install-crds.ts'
import { runLabel } from '../namespace.ts'
import { load } from './node-image.ts'

export const operatorNamespace = 'relayfleet-system'

export type Installation = {
  readonly api: Api
  readonly image: Packed
  /** Loads the same content under another name, for tests of updates. */
  nextImage(): Packed
  uninstall(): void
}

/**
 * Runs kubectl; what it printed.
 * @throws Error with what kubectl said on its standard error
 */
export function kubectl(args: readonly string[], input?: string): string {
  const cluster = theCluster()
  const { status, stdout, stderr } = spawnSync(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], {
    encoding: 'utf8',
    ...(input !== undefined && { input }),
  })
  if (status === 0) return stdout
  throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
}

export const apply = (objects: string | readonly object[]): string =>
  kubectl(
    ['apply', '-f', '-'],
    typeof objects === 'string' ? objects : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )

/** Makes a namespace that is removed with the test run. */
export function ensureNamespace(name: string, labels: Readonly<Record<string, string>> = {}): void {
  apply([
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { ...labels, [runLabel]: theCluster().run } },
    },
  ])
}

export const tagOf = ({ name }: Packed): string => name.slice(name.lastIndexOf(':') + 1)

export function install(): Installation {
  const { packed: image, dist } = inject('image')
  ensureNamespace(operatorNamespace, { 'pod-security.kubernetes.io/enforce': 'restricted' })
  helm(['upgrade', '--install', release, chart], { image: { tag: tagOf(image) }, crds: { keep: false } })
  kubectl(['-n', operatorNamespace, 'rollout', 'status', `deployment/${release}`, '--timeout=90s'])
  return {
    api: apiOf(theCluster().access),
    image,
    nextImage: () => load(theCluster(), dist, 'next'),
    uninstall: () => {
      letPoliciesGo()
      helm(['uninstall', release, '--ignore-not-found', '--wait'])
    },
  }
}

/** Deletes all policies first, as the chart asks for: without the operator, nobody would remove their finalizers. */
function letPoliciesGo(): void {
  if (kubectl(['get', 'relaypolicies', '-A', '-o', 'name']) === '') return
  kubectl(['annotate', 'relaypolicies', '--all', '-A', '--overwrite', 'relayfleet.dev/discard-queue=true'])
  kubectl(['delete', 'relaypolicies', '--all', '-A', '--wait', '--timeout=60s'])
}

/**
 * Runs helm on the release.
 * @throws Error with what helm said
 */
export function helm(args: readonly string[], values?: Readonly<Record<string, unknown>>): void {
  const where = ['--namespace', operatorNamespace, '--kubeconfig', theCluster().kubeconfig]
  const { status, stderr } = runHelm([...args, ...where], values)
  if (status !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`)
}

/** The conditions of an object; none if they are those of an older generation. */
export function conditionsOf(kind: string, namespace: string, name: string): readonly Condition[] {
  const { metadata, status = {} } = JSON.parse(kubectl(['-n', namespace, 'get', kind, name, '-o', 'json']))
  return status.observedGeneration === metadata.generation ? (status.conditions ?? []) : []
}

/** Waits as `kubectl wait` does, and if that fails, its error has all conditions. */
export async function ready(kind: string, namespace: string, name: string, deadlineMs = 60_000): Promise<void> {
  const isReady = () => conditionsOf(kind, namespace, name).some((c) => c.type === 'Ready' && c.status === 'True')
  await until(`${kind} ${namespace}/${name} is ready`, isReady, deadlineMs).catch((error: Error) => {
    const told = conditionsOf(kind, namespace, name).map((c) => `${c.type}=${c.status} ${c.reason}: ${c.message}`)
    throw new Error(`${error.message}\n${told.join('\n')}`)
  })
}
