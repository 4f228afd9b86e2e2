/** `run`: runs the operator, in a pod of the chart or, with a kubeconfig, from anywhere. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type Command, Option } from 'commander'
import { connectionByDefault, connectionFromFile } from '../cluster/api/connection.ts'
import { ordinaryDnsPerSecond, runOperator } from '../cluster/operator.ts'
import { Pulse } from '../cluster/pulse.ts'
import { type PullPolicy, pullPolicies } from '../manifests/relay-fleet.ts'
import { createMetrics } from '../metrics.ts'
import { servePages } from '../pages.ts'
import { hostAndPort, namespaceName, wholeNumber } from './arguments.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import { logOn, telledTo } from './operator-log.ts'

type Options = {
  readonly namespace: string
  readonly watchNamespaces?: string
  readonly image: string
  readonly imagePullPolicy?: PullPolicy
  readonly metricsBind: string
  readonly dnsQueriesPerSecond: string
  readonly kubeconfig?: string
  readonly context?: string
}

const lingerMs = 2000

export const addRun = (program: Command, context: Context): Command =>
  program
    .command('run')
    .summary('the operator: make the fleets that a cluster declares')
    .description(
      'Watches the cluster and makes its fleets, until it is interrupted. One of several writes: who holds the Lease.\n' +
        'What happens is told as lines of JSON.',
    )
    .requiredOption('--namespace <name>', 'where the operator is: its Lease and its certificate authority')
    .option('--watch-namespaces <names>', 'a,b: these and no others; absent: all')
    .requiredOption('--image <ref>', 'of the relays')
    .addOption(new Option('--image-pull-policy <when>', 'of the relays').choices(pullPolicies))
    .option('--metrics-bind <host:port>', 'where /metrics, /healthz and /readyz are', '127.0.0.1:9466')
    .option('--dns-queries-per-second <number>', 'for the records of all domains together', `${ordinaryDnsPerSecond}`)
    .option('--kubeconfig <file>', 'how to reach the cluster; absent: as kubectl would, or as the account of this pod')
    .option('--context <name>', 'another than the current one')
    .action(async (options: Options) => context.finish(await operate(options, context)))

async function operate(options: Options, { terminal, signal, environment }: Context): Promise<ExitCode> {
  refuseUnknown(environment)
  const { kubeconfig, context, image, imagePullPolicy } = options
  const namespace = namespaceName(options.namespace, '--namespace')
  const watchNamespaces = namespacesOf(options.watchNamespaces)
  const at = hostAndPort(options.metricsBind, '--metrics-bind')
  if (!/^\S+$/.test(image)) throw new UsageError('--image: write a reference of an image, e.g. host/name@sha256:…')
  const dnsPerSecond = wholeNumber(options.dnsQueriesPerSecond, '--dns-queries-per-second')
  const connection = kubeconfig === undefined ? connectionByDefault(context) : connectionFromFile(kubeconfig, context)
  const identity = `${hostname()}_${randomUUID()}`
  const log = logOn(terminal)
  const pulse = new Pulse()
  const metrics = createMetrics()
  const tell = telledTo({ log, metrics, pulse })
  const pages = await servePages(at, {
    unhealthy: () => pulse.unhealthy(performance.now()),
    unready: () => pulse.unready(),
    metrics: async () => ({ type: metrics.registry.contentType, text: await metrics.registry.metrics() }),
  }).catch((error: Error) => {
    throw new Error(`--metrics-bind ${options.metricsBind}: ${error.message}; choose another, or stop who has it`)
  })
  log('info', 'started', { identity, namespace, watchNamespaces, port: pages.port })
  try {
    const relays = { image, ...(imagePullPolicy !== undefined && { imagePullPolicy }) }
    await runOperator({ connection, namespace, watchNamespaces, ...relays, identity, tell, dnsPerSecond }, signal)
    log('info', 'ended', {})
    return exitCodes.ok
  } catch (error) {
    log('error', 'failed', { why: (error as Error).message, stack: (error as Error).stack })
    // After a failure, a part that does not end by itself is not waited for.
    setTimeout(() => process.exit(), lingerMs).unref()
    return exitCodes.refused
  } finally {
    pages.close()
  }
}

/** There are no settings by environment; a variable that looks like one is refused, because it would silently have no effect. */
function refuseUnknown(environment: readonly string[]): void {
  const [ours] = environment.filter((name) => name.startsWith('RELAYFLEET_'))
  if (ours !== undefined) throw new UsageError(`${ours}: no variable sets anything; use the flags`)
}

const namespacesOf = (text: string | undefined): readonly string[] =>
  text === undefined ? [] : text.split(',').map((name) => namespaceName(name, '--watch-namespaces'))
