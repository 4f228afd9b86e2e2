/** `rotate`: replaces the password of a credential now. */
import type { Command } from 'commander'
import type { Name } from '../compile/snapshot.ts'
import { usesRecorded } from '../key-saying.ts'
import { type Key, retiringOf } from '../lifecycle/keys.ts'
import { isInUse } from '../lifecycle/retirement.ts'
import { objectNameIn, outputOption } from './arguments.ts'
import {
  type ChangeOptions,
  clusterToChange,
  type Declared,
  declaredIn,
  directoryOption,
  tellEdit,
} from './change-in-folder.ts'
import { changeObject } from './change-object.ts'
import { objectOf } from './cluster-object.ts'
import { clusterOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import { heldBy } from './held-by.ts'

type Options = ChangeOptions & { readonly force: boolean }

export const addRotate = (program: Command, context: Context): Command =>
  clusterOptions(program.command('rotate'))
    .summary('another password for a credential, now')
    .description(
      'Sets spec.rotation.trigger of a RelayCredential. Its Secret gets another password when every ready relay accepts it, ' +
        'and the one before is accepted until nobody has used it for spec.rotation.overlap. One that was retiring already ends.',
    )
    .argument('<credential>', 'NAME, or NAMESPACE/NAME')
    .option(...directoryOption)
    .option('--force', 'also where somebody who uses an older password is cut off by it', false)
    .addOption(outputOption('text', 'json'))
    .action(async (name: string, options: Options) => context.finish(await rotate(name, options, context)))

async function rotate(text: string, options: Options, context: Context): Promise<ExitCode> {
  if (options.directory !== undefined) {
    const declared = declaredIn(options.directory, 'RelayCredential', text, options)
    requirePassword(declared.target.name, typeIn(declared))
    return tellEdit(declared, { steps: ['rotation', 'trigger'], value: newTrigger() }, options.output, context)
  }
  const cluster = clusterToChange(options)
  const name = objectNameIn(cluster.namespace, text, 'rotate')
  const target = { kind: 'RelayCredential', name } as const
  const object = await objectOf(cluster, target, context.signal)
  requirePassword(name, ((object['spec'] ?? {}) as { readonly type?: string }).type)
  const cutOff = inUse((object['status'] ?? {}) as Status)
  if (cutOff.length > 0 && !options.force) {
    context.terminal.err(
      `relayfleet: this would end ${cutOff.join(' and ')}; have that client read the Secret anew first, or give --force`,
    )
    return exitCodes.refused
  }
  const trigger = newTrigger()
  const but = heldBy(object, 'its password stays as it is')
  const does =
    but === undefined
      ? `gets another password (trigger ${trigger}); relayfleet status -o wide tells how far it is`
      : `is to get another password (trigger ${trigger})`
  await changeObject(cluster, { object, target, spec: { rotation: { trigger } }, does, but }, options.output, context)
  return exitCodes.ok
}

/** Any text that is different from the earlier trigger will do. */
const newTrigger = (): string => new Date().toISOString()

const typeIn = ({ found: { source } }: Declared): unknown => source.document.getIn([...source.within, 'spec', 'type'])

/** A credential without a type has a password, too. @throws UsageError for any other type. */
function requirePassword(name: Name, type: unknown): void {
  if (type === undefined || type === 'Password') return
  throw new UsageError(
    `RelayCredential ${name} is of type ${type}: only type Password has a password to replace; a token or certificate is renewed where it is issued`,
  )
}

type Status = Readonly<Record<string, unknown>> & { readonly keys?: readonly Key[] }

/** Earlier passwords that were used after they had been replaced: rotating again would cut these clients off. */
function inUse(status: Status): readonly string[] {
  const uses = usesRecorded(status)
  return retiringOf(status.keys ?? [])
    .filter((key) => isInUse(key, { uses, upTo: undefined }))
    .map(({ id }) => `key ${id}, which was used from ${uses.get(id)?.network} after it was replaced`)
}
