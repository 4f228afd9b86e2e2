/** The options that choose a cluster and a namespace, named as kubectl's. */
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

/** A connection to a cluster with the person's own rights. */
export type Cluster = {
  readonly connection: ChosenConnection
  readonly api: Api
  readonly wire: Wire
  /** The namespace in which a name without one is looked for. */
  readonly namespace: string
  readonly scope: Scope
}

/** For verbs that look at one namespace, or at all of them. */
export const scopeOptions = (command: Command): Command =>
  clusterOptions(command).option('-A, --all-namespaces', 'every namespace of the cluster')

export const clusterOptions = (command: Command): Command =>
  command
    .option('-n, --namespace <name>', "the namespace; the context's unless given")
    .option('--context <name>', 'a context of the kubeconfig; the current one unless given')
    .option('--kubeconfig <file>', '$KUBECONFIG or ~/.kube/config unless given')

/** @throws Error when there is no cluster to talk to; it mentions `here`, how to ask the same about this machine. */
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
    // Somebody who names a context means a cluster, so this machine is not mentioned.
    if (context !== undefined) throw error
    throw new Error(`${(error as Error).message} (for ${here})`, { cause: error })
  }
}

/** The folder that is given; undefined: the cluster is meant. @throws UsageError where both are given. */
export function folderOrCluster(dir: string | undefined, options: ClusterOptions): string | undefined {
  if (dir === undefined) return undefined
  requireOneWorld(dir, options)
  return existingDirectory(dir)
}

const options = ['namespace', 'allNamespaces', 'context', 'kubeconfig'] as const satisfies (keyof ClusterOptions)[]

/** @throws UsageError where the argument `local`, which is about this machine, is given together with options for a cluster. */
export function requireOneWorld(local: string, given: ClusterOptions): void {
  const option = options.find((o) => given[o] !== undefined)?.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)
  if (option === undefined) return
  throw new UsageError(`${local} is about this machine and --${option} about a cluster: give one of the two`)
}

export const placeName = ({ namespace }: Scope): string =>
  namespace === undefined ? 'the cluster' : `namespace ${namespace}`
