/** Which cluster and which namespace, in kubectl's own words. */
import type { Command } from 'commander'
import { type Api, openApi } from '../cluster/api/api.ts'
import { type ChosenConnection, connectionByDefault, connectionFromFile } from '../cluster/api/connection.ts'
import { openWire, type Wire } from '../cluster/api/wire.ts'
import type { Scope } from '../cluster/person/survey.ts'
import { existingDirectory } from './arguments.ts'
import { UsageError } from './exit-code.ts'

export type ClusterOptions = {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly allNamespaces?: boolean
}

/** A cluster as a person reaches it, with the person's own rights. */
export type Cluster = {
  readonly connection: ChosenConnection
  readonly api: Api
  readonly wire: Wire
  /** Where a name without a namespace is looked for. */
  readonly namespace: string
  readonly scope: Scope
}

/** For the verbs that look at one namespace, or at all. */
export const scopeOptions = (command: Command): Command =>
  clusterOptions(command).option('-A, --all-namespaces', 'every namespace of the cluster')

export const clusterOptions = (command: Command): Command =>
  command
    .option('-n, --namespace <name>', "the namespace; the context's unless given")
    .option('--context <name>', 'a context of the kubeconfig; the current one unless given')
    .option('--kubeconfig <file>', '$KUBECONFIG or ~/.kube/config unless given')

/** @throws Error when there is no cluster to talk to; `here` is how the same is asked about this machine */
export function openCluster(options: ClusterOptions, here: string): Cluster {
  const { namespace, allNamespaces = false } = options
  const connection = connectionFor(options, here)
  const chosen = namespace ?? connection.namespace
  return {
    connection,
    api: openApi(connection),
    wire: openWire(connection),
    namespace: chosen,
    scope: allNamespaces ? {} : { namespace: chosen },
  }
}

function connectionFor({ kubeconfig, context }: ClusterOptions, here: string): ChosenConnection {
  try {
    return kubeconfig === undefined ? connectionByDefault(context) : connectionFromFile(kubeconfig, context)
  } catch (error) {
    // Who names one means a cluster.
    if (context !== undefined) throw error
    throw new Error(`${(error as Error).message} (for ${here})`, { cause: error })
  }
}

/**
 * The folder, where one is given; undefined: the cluster is meant.
 * @throws UsageError where both are
 */
export function folderOrCluster(dir: string | undefined, options: ClusterOptions): string | undefined {
  if (dir === undefined) return undefined
  requireOneWorld(dir, options)
  return existingDirectory(dir)
}

const options = ['namespace', 'allNamespaces', 'context', 'kubeconfig'] as const satisfies (keyof ClusterOptions)[]

/** @throws UsageError where `local`, which is on this machine, is given together with a cluster */
export function requireOneWorld(local: string, given: ClusterOptions): void {
  const option = options.find((o) => given[o] !== undefined)?.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)
  if (option === undefined) return
  throw new UsageError(`${local} is about this machine and --${option} about a cluster: give one of the two`)
}

export const placeName = ({ namespace }: Scope): string =>
  namespace === undefined ? 'the cluster' : `namespace ${namespace}`
