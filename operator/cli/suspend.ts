/** `suspend` and `resume`: a credential's logins, or a fleet's new sessions, are refused at once, or taken again. */
import type { Command } from 'commander'
import { objectNameIn, outputOption } from './arguments.ts'
import { changeObject, objectOf } from './change-object.ts'
import { type ClusterOptions, clusterOptions, openCluster } from './cluster-options.ts'
import type { Context } from './context.ts'

type Options = ClusterOptions & { readonly policy: boolean; readonly output: 'text' | 'json' }

const verbs = {
  suspend: {
    suspended: true,
    summary: 'refuse the logins of a credential, or the new sessions of a fleet',
    RelayCredential: 'is suspended: its logins are refused, and what its sessions send',
    RelayPolicy: 'is suspended: new sessions are answered with 421; what is queued goes on',
  },
  resume: {
    suspended: false,
    summary: 'take them again',
    RelayCredential: 'is suspended no longer',
    RelayPolicy: 'is suspended no longer',
  },
} as const

export function addSuspend(program: Command, context: Context): Command {
  for (const verb of ['suspend', 'resume'] as const) addVerb(program, context, verb)
  return program
}

const addVerb = (program: Command, context: Context, verb: keyof typeof verbs): Command =>
  clusterOptions(program.command(verb))
    .summary(verbs[verb].summary)
    .description(
      `Sets spec.suspended to ${verbs[verb].suspended}. It is in force as fast as any edit; relayfleet status tells.`,
    )
    .argument('<name>', 'a RelayCredential: NAME, or NAMESPACE/NAME')
    .option('--policy', 'the name is that of a RelayPolicy', false)
    .addOption(outputOption('text', 'json'))
    .action(async (text: string, options: Options) => {
      const cluster = openCluster(options)
      const kind = options.policy ? 'RelayPolicy' : 'RelayCredential'
      const target = { kind, name: objectNameIn(cluster.namespace, text, verb) } as const
      const object = await objectOf(cluster, target, context.signal)
      const { suspended, [kind]: does } = verbs[verb]
      await changeObject(cluster, { object, target, spec: { suspended }, does }, options.output, context)
    })
