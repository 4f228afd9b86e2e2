/** `status`: shows on one screen fleets, pods, configurations and queues, what is wrong, and what to do. */
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { type Name, namespaceOf } from '../compile/snapshot.ts'
import { stateAt } from '../local/state.ts'
import { asking } from './api-trouble.ts'
import { outputOption, stateFolder } from './arguments.ts'
import { type ClusterOptions, openCluster, requireOneWorld, scopeOptions } from './cluster-options.ts'
import { clusterOverview } from './cluster-overview.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { localOverview } from './local-overview.ts'
import type { Overview } from './overview.ts'
import { overviewLines } from './overview-lines.ts'
import type { Terminal } from './terminal.ts'

type Options = ClusterOptions & {
  readonly live: boolean
  readonly state?: string
  readonly output: 'text' | 'wide' | 'json' | 'yaml'
}

export const addStatus = (program: Command, context: Context): Command =>
  scopeOptions(program.command('status'))
    .summary('one screen: fleets, pods, queues, what is wrong')
    .description(
      'Tells how fleets stand: by the statuses that the operator wrote, and by the pods themselves where you may ask ' +
        'them (pods/proxy). Needs no more than to list our kinds.',
    )
    .argument('[name]', 'one fleet: the name of its RelayPolicy')
    .option('--no-live', 'do not ask the pods')
    .option('--state <dir>', 'the fleets of relayfleet local on this machine, instead of a cluster', stateFolder)
    .addOption(outputOption('text', 'wide', 'json', 'yaml'))
    .action(async (name: string | undefined, options: Options) => {
      const overview = await overviewOf(name, options, context.signal)
      for (const line of linesOf(overview, options.output, context.terminal)) context.terminal.out(line)
      context.finish(verdictOn(overview))
    })

async function overviewOf(name: string | undefined, options: Options, signal: AbortSignal): Promise<Overview> {
  const { state, live } = options
  if (state !== undefined) {
    requireOneWorld('--state', options)
    return localOverview(stateAt(state), name)
  }
  const namespace = name?.includes('/') === true ? namespaceOf(name as Name) : options.namespace
  const cluster = openCluster({ ...options, ...(namespace !== undefined && { namespace }) }, 'local mode: --state DIR')
  return asking(cluster, () => clusterOverview(cluster, { live, ...(name !== undefined && { name }) }, signal))
}

/** `failed` where nothing is wrong, but the state of a fleet is not known. */
function verdictOn({ findings, fleets }: Overview): ExitCode {
  if (findings.some(({ severity }) => severity === 'error')) return exitCodes.refused
  return fleets.some(({ ready }) => ready.status === 'Unknown') ? exitCodes.failed : exitCodes.ok
}

function linesOf(overview: Overview, form: Options['output'], terminal: Terminal): Iterable<string> {
  switch (form) {
    case 'json':
      return [JSON.stringify(overview, null, 2)]
    case 'yaml':
      return [stringify(overview, { lineWidth: 0 }).trimEnd()]
    case 'text':
    case 'wide':
      return overviewLines(overview, form === 'wide', terminal)
  }
}
