/** Changes one field of an object in the cluster, and warns about tools that may set it back, e.g. Argo CD. */
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

/** The field manager; another than the operator's, so that the object shows who changed it. */
const manager = 'relayfleet-cli'

export type Change = {
  readonly object: KubeObject
  readonly target: Target
  /** A JSON merge patch of its spec. */
  readonly spec: object
  /** What the change does, in words that follow the object's name. */
  readonly does: string
  /** Why the change has no effect yet; undefined where it has. */
  readonly but?: string | undefined
}

/** Makes the change and reports it. @throws Error in words for a person. */
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
