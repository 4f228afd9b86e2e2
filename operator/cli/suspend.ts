/** `suspend` and `resume`: refuse a credential's logins or a fleet's new sessions, or accept them again. */
import type { Command } from 'commander'
import { objectNameIn, outputOption } from './arguments.ts'
import { type ChangeOptions, clusterToChange, declaredIn, directoryOption, tellEdit } from './change-in-folder.ts'
import { changeObject } from './change-object.ts'
import { objectOf } from './cluster-object.ts'
import { clusterOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import { heldBy } from './held-by.ts'

type Options = ChangeOptions & { readonly policy: boolean }

const verbs = {
  suspend: {
    suspended: true,
    summary: 'refuse the logins of a credential, or the new sessions of a fleet',
    RelayCredential: 'is suspended: its logins are refused, and what its sessions send',
    RelayPolicy: 'is suspended: new sessions are answered with 421, and what is queued waits',
  },
  resume: {
    suspended: false,
    summary: 'accept them again',
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
    .option(...directoryOption)
    .option('--policy', 'the name is that of a RelayPolicy', false)
    .addOption(outputOption('text', 'json'))
    .action(async (text: string, options: Options) => {
      const kind = options.policy ? 'RelayPolicy' : 'RelayCredential'
      const { suspended, [kind]: does } = verbs[verb]
      if (options.directory !== undefined) {
        const declared = declaredIn(options.directory, kind, text, options)
        context.finish(tellEdit(declared, { steps: ['suspended'], value: suspended }, options.output, context))
        return
      }
      const cluster = clusterToChange(options)
      const target = { kind, name: objectNameIn(cluster.namespace, text, verb) } as const
      const object = await objectOf(cluster, target, context.signal)
      const but = suspended ? undefined : heldBy(object, 'it stays suspended')
      const will = but === undefined ? does : 'is to be suspended no longer'
      await changeObject(cluster, { object, target, spec: { suspended }, does: will, but }, options.output, context)
    })
