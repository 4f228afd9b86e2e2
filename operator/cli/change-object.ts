/** A person changes one field of one of our objects in the cluster, and is told who may set it back. */
import { apiVersion } from '../../crds/kinds.ts'
import type { KubeObject } from '../cluster/api/object.ts'
import { resourceOf } from '../cluster/api/resource.ts'
import { keepersOf } from '../cluster/person/keepers.ts'
import { type Name, splitName } from '../compile/snapshot.ts'
import { asking } from './api-trouble.ts'
import type { Cluster } from './cluster-options.ts'
import type { Context } from './context.ts'

export type ChangedKind = 'RelayCredential' | 'RelayPolicy'

export type Target = { readonly kind: ChangedKind; readonly name: Name }

/** Not the operator's: who it was can be told from the object. */
const manager = 'relayfleet-cli'

export type Change = {
  readonly object: KubeObject
  readonly target: Target
  /** A JSON merge patch of its spec. */
  readonly spec: object
  /** In words, what that does. */
  readonly does: string
  /** What stands in its way. */
  readonly but?: string | undefined
}

/** Carries it out, and tells. @throws Error in words for a person */
export async function changeObject(
  cluster: Cluster,
  { object, target, spec, does, but }: Change,
  output: 'text' | 'json',
  { terminal, signal }: Pick<Context, 'terminal' | 'signal'>,
): Promise<void> {
  const { kind, name } = target
  const options = { signal, manager }
  await asking(cluster, () => cluster.api.merge(resourceOf({ apiVersion, kind }), splitName(name), { spec }, options))
  const keepers = keepersOf(object).map(
    (keeper) => `${keeper} keeps this object too and may set that back: make the same change where it takes it from`,
  )
  const notes = [...(but === undefined ? [] : [but]), ...keepers]
  if (output === 'json') terminal.out(JSON.stringify({ object: `${kind} ${name}`, spec, notes }, null, 2))
  else {
    terminal.out(`${kind} ${name} ${does}`)
    for (const note of notes) terminal.err(terminal.style('warn', note))
  }
}
