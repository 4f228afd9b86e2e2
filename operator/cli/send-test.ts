/** `send-test`: submits a message as the application would, shows the dialog, and reports what happened to the message. */
import type { Command } from 'commander'
import { boundCredential } from '../local/bound-credential.ts'
import { type Directory, readDirectory } from '../local/directory.ts'
import { startFollowing } from '../local/follow.ts'
import { showCommand } from '../local/relay-command.ts'
import { defaultState, type State, stateAt } from '../local/state.ts'
import { asking } from './api-trouble.ts'
import { forwardPaths, objectName, objectNameIn, reversePath, stateFolder } from './arguments.ts'
import {
  type ClusterOptions,
  clusterOptions,
  folderOrCluster,
  openCluster,
  requireOneWorld,
} from './cluster-options.ts'
import { openClusterWay } from './cluster-way.ts'
import type { Context } from './context.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { submitAndFollow, type Test, type Way } from './submit-and-follow.ts'

type Options = ClusterOptions & {
  readonly credential: string
  readonly from: string
  readonly to: readonly string[]
  readonly headerFrom?: string
  readonly state?: string
}

export const addSendTest = (program: Command, context: Context): Command =>
  clusterOptions(program.command('send-test'))
    .summary('submit a message with a credential, and follow it')
    .description(
      'Submits a test message as the application would: TLS with verification, AUTH with the binding Secret. Shows the ' +
        'dialog without the password, and tells what became of the message. With a directory or --state: to a fleet of ' +
        'relayfleet local on this machine. Without: to a fleet of the cluster, by a port-forward to one of its pods.',
    )
    .argument('[dir]', 'the folder of YAML files: a refusal then names the place of its rule')
    .requiredOption('--credential <namespace/name>', 'the RelayCredential that submits')
    .requiredOption('--from <address>', 'the reverse-path (MAIL FROM); <> for the null reverse-path')
    .requiredOption('--to <address>', 'a forward-path (RCPT TO); once for each', forwardPaths)
    .option('--header-from <from>', 'the visible From; the reverse-path unless given')
    .option('--state <dir>', `the folder of relayfleet local; ${defaultState} where a directory is given`, stateFolder)
    .action(async (dir: string | undefined, options: Options) => {
      const folder = folderOrCluster(dir, options)
      if (options.state !== undefined) requireOneWorld('--state', options)
      const local = folder !== undefined || options.state !== undefined
      context.finish(await (local ? sendHere(folder, options, context) : sendToCluster(options, context)))
    })

function sendHere(dir: string | undefined, options: Options, context: Context): Promise<ExitCode> {
  const state = stateAt(options.state ?? defaultState)
  const test = testOf(options, objectName(options.credential, '--credential'))
  const directory = dir === undefined ? undefined : readDirectory(dir, state.root)
  return sendTest(test, { state, directory, ...context })
}

async function sendToCluster(options: Options, { terminal, signal }: Context): Promise<ExitCode> {
  const cluster = openCluster(options, 'local mode: DIR, or --state DIR')
  const test = testOf(options, objectNameIn(cluster.namespace, options.credential, '--credential'))
  return asking(cluster, async () => {
    const { way, close } = await openClusterWay(cluster, test.credential, terminal, signal)
    try {
      return await submitAndFollow(test, way, { terminal, signal })
    } finally {
      close()
    }
  })
}

function testOf({ from, to, headerFrom }: Options, credential: Test['credential']): Test {
  const path = reversePath(from)
  if (path === '' && headerFrom === undefined) {
    throw new UsageError('--from <> says nothing about the visible From; add --header-from')
  }
  return { credential, reversePath: path, forwardPaths: to, headerFrom: headerFrom ?? path }
}

type Surroundings = Pick<Context, 'terminal' | 'signal'> & {
  readonly state: State
  readonly directory: Directory | undefined
}

/** Sends to a fleet that runs on this machine. */
export function sendTest(test: Test, { state, directory, ...to }: Surroundings): Promise<ExitCode> {
  const { policy, secret } = boundCredential(state, test.credential)
  const way: Way = {
    policy,
    secret,
    ...(directory !== undefined && { directory }),
    follow: startFollowing(state.fleet(policy)),
    silent: () =>
      `is relayfleet local running? It should listen on ${secret.host}:${secret.port}; see ${state.statusFile}`,
    captured: (queueId) => `see it with: ${showCommand(queueId, state.root)}`,
    log: state.fleet(policy).log,
  }
  return submitAndFollow(test, way, to)
}
