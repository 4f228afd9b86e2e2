/** The part of a snapshot that objects in YAML declare. */
import type { Credential, Domain, Keyed, Name, Policy, Snapshot } from '../compile/snapshot.ts'
import type { LocatedObject } from './objects.ts'

export type DeclaredFacts = Pick<
  Snapshot,
  'policies' | 'domains' | 'credentials' | 'invalid' | 'namespaces' | 'secrets' | 'configMaps'
>

export function declaredFacts(objects: readonly LocatedObject[]): DeclaredFacts {
  const resources = objects.flatMap((o) => (o.declares === 'resource' ? [o.resource] : []))
  const keyed = (kind: 'Secret' | 'ConfigMap'): ReadonlyMap<Name, Keyed> =>
    new Map(objects.flatMap((o) => (o.declares === 'keyed' && o.kind === kind ? [[o.name, o.keyed] as const] : [])))
  return {
    policies: resources.filter((r): r is Policy => r.kind === 'RelayPolicy'),
    domains: resources.filter((r): r is Domain => r.kind === 'SenderDomain'),
    credentials: resources.filter((r): r is Credential => r.kind === 'RelayCredential'),
    invalid: objects.flatMap((o) => (o.declares === 'invalid' ? [o.invalid] : [])),
    namespaces: new Map(objects.flatMap((o) => (o.declares === 'namespace' ? [[o.name, o.labels] as const] : []))),
    secrets: keyed('Secret'),
    configMaps: keyed('ConfigMap'),
  }
}
