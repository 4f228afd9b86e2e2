/**
 * For `rotate` and `suspend` with a folder of YAML: says what the person has to edit there. We never edit a person's files
 * ourselves.
 */
import { isOf, nameIn, type Ref } from '../compile/snapshot.ts'
import { readDirectory } from '../local/directory.ts'
import { type LocatedObject, locate } from '../local/objects.ts'
import { defaultState } from '../local/state.ts'
import { existingDirectory, objectNameIn } from './arguments.ts'
import type { ChangedKind, Target } from './change-object.ts'
import { type Cluster, type ClusterOptions, openCluster, requireOneWorld } from './cluster-options.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import { knownNames } from './known-names.ts'
import { printPosition } from './place.ts'
import { mayBeUnread } from './unread.ts'

export const directoryOption = [
  '-f, --directory <dir>',
  'a folder of YAML files, as relayfleet local runs it: tells what to edit there; absent: the cluster',
] as const

export type ChangeOptions = ClusterOptions & { readonly directory?: string; readonly output: 'text' | 'json' }

/** @throws Error when there is no cluster to talk to */
export const clusterToChange = (options: ClusterOptions): Cluster => openCluster(options, 'a folder: -f DIR')

/** The object as the folder declares it. @throws UsageError where it does not. */
export function declaredIn(directory: string, kind: ChangedKind, text: string, options: ChangeOptions): Declared {
  // --namespace is allowed with a folder, too: it is where a name without a namespace is looked for.
  const { namespace, directory: _, ...others } = options
  requireOneWorld('--directory', others)
  const name = objectNameIn(namespace, text, 'the name')
  const read = readDirectory(existingDirectory(directory), defaultState)
  const { objects } = read
  const found = objects.find(({ object }) => object === `${kind} ${name}`)
  if (found !== undefined) return { found, target: { kind, name } }
  const known = objects.filter(({ object }) => isOf(object, kind)).map(({ object }) => nameIn(object as Ref))
  throw new UsageError(`there is no ${kind} ${name} in ${directory}; ${knownNames(name, known)}${mayBeUnread(read)}`)
}

export type Declared = { readonly found: LocatedObject; readonly target: Target }

/** A new value for one field; `steps` is its path below spec. */
export type Edit = { readonly steps: readonly string[]; readonly value: string | boolean }

/** Tells what to edit. The exit code is `refused`, because nothing was changed, or `ok` if the field has the value already. */
export function tellEdit(
  { found, target: { kind, name } }: Declared,
  { steps, value }: Edit,
  output: ChangeOptions['output'],
  { terminal }: Pick<Context, 'terminal'>,
): ExitCode {
  const place = locate(found, ['spec', ...steps])
  const field = ['spec', ...steps].join('.')
  const isSo = steps.length === 1 && declaredSpec(found)[steps[0] ?? ''] === value
  const message = isSo
    ? `${field} of ${kind} ${name} is ${JSON.stringify(value)} there already`
    : `the folder says what runs, so set ${field} of ${kind} ${name} to ${JSON.stringify(value)} there; relayfleet local follows the file by itself`
  if (output === 'json')
    terminal.out(JSON.stringify({ object: `${kind} ${name}`, field, value, ...place, message }, null, 2))
  else terminal[isSo ? 'out' : 'err'](`${printPosition(place)}: ${message}`)
  return isSo ? exitCodes.ok : exitCodes.refused
}

const declaredSpec = (found: LocatedObject): Readonly<Record<string, unknown>> =>
  found.declares === 'resource' ? { ...found.resource.spec } : {}
