/** The part of a snapshot that objects in YAML declare. */
import type { Snapshot } from '../compile/snapshot.ts'
import type { LocatedObject } from './objects.ts'

export type DeclaredFacts = Pick<
  Snapshot,
  'policies' | 'domains' | 'credentials' | 'invalid' | 'namespaces' | 'secrets' | 'configMaps'
>

export function declaredFacts(_objects: readonly LocatedObject[]): DeclaredFacts {
  throw new Error('not yet')
}
