/** Snapshots with thousands of objects, for properties that no single case can show. */

import type { KindName } from '../../crds/kinds.ts'
import { relayCredential } from '../../crds/relay-credential.ts'
import { relayPolicy } from '../../crds/relay-policy.ts'
import type { Kind } from '../../crds/schema.ts'
import { senderDomain } from '../../crds/sender-domain.ts'
import { validate } from '../../crds/validate.ts'
import type { Credential, Domain, Policy, Resource, Snapshot } from '../../operator/compile/snapshot.ts'

/** A valid object with its defaults filled in. */
function made<K extends KindName, Spec>(
  kind: Kind<Spec> & { readonly kind: string },
  name: K,
  metadata: { readonly namespace: string; readonly name: string; readonly creationTimestamp?: string },
  spec: unknown,
): Resource<K, Spec> {
  const { namespace, name: its } = metadata
  const object = { apiVersion: 'relayfleet.dev/v1alpha1', kind: kind.kind, metadata: { namespace, name: its }, spec }
  const result = validate(kind, object)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return { kind: name, labels: {}, generation: 1, creationTimestamp: '', ...metadata, spec: result.spec }
}

export const policy = (metadata: Parameters<typeof made>[2], spec: object = {}): Policy =>
  made(relayPolicy, 'RelayPolicy', metadata, {
    environment: 'Production',
    listeners: [{ name: 'submission', port: 587 }],
    admission: { credentials: { namespaces: { from: 'All' } } },
    routes: [{ name: 'default', smarthosts: [{ name: 'out', host: 'smtp.example.net' }] }],
    ...spec,
  })

export const domain = (metadata: Parameters<typeof made>[2], spec: object): Domain =>
  made(senderDomain, 'SenderDomain', metadata, {
    environment: 'Production',
    allowedNamespaces: { from: 'All' },
    ...spec,
  })

export const credential = (metadata: Parameters<typeof made>[2], spec: object): Credential =>
  made(relayCredential, 'RelayCredential', metadata, spec)

export const snapshot = (facts: Partial<Snapshot>): Snapshot => ({
  policies: [],
  domains: [],
  credentials: [],
  invalid: [],
  unread: [],
  namespaces: new Map(),
  secrets: new Map(),
  configMaps: new Map(),
  bindingKeys: new Map((facts.credentials ?? []).map((c) => [`${c.namespace}/${c.name}`, keysOf(c)] as const)),
  running: new Map(),
  place: { listenAddress: '::', lowPorts: false },
  ...facts,
})

const keysOf = (c: Credential) => ({
  username: `${c.name}.${c.namespace}`,
  keys: [{ id: 'k1', verifier: `sha256:${c.name}` }],
})

/** Ten policies that select namespaces by label, domains that nest, and credentials with three domains each. */
export function bigSnapshot(domains: number, credentials: number): Snapshot {
  const selector = {
    from: 'Selector',
    selector: { matchExpressions: [{ key: 'mail', operator: 'In', values: ['yes'] }] },
  }
  const count = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)
  return snapshot({
    policies: count(10).map((i) =>
      policy({ namespace: 'mail', name: `policy-${i}` }, { admission: { credentials: { namespaces: selector } } }),
    ),
    domains: count(domains).map((i) =>
      domain(
        { namespace: 'mail', name: `domain-${i}` },
        {
          domain: i % 4 === 0 ? `d${i}.example` : `s${i}.d${i - (i % 4)}.example`,
          includeSubdomains: i % 4 === 0,
          allowedNamespaces: selector,
        },
      ),
    ),
    credentials: count(credentials).map((i) =>
      credential(
        { namespace: `team-${i % 500}`, name: `app-${i}` },
        {
          policyRef: { name: `policy-${i % 10}`, namespace: 'mail' },
          senderDomainRefs: [0, 1, 7].map((n) => ({ name: `domain-${(i + n) % domains}`, namespace: 'mail' })),
        },
      ),
    ),
    namespaces: new Map(count(500).map((i) => [`team-${i}`, { mail: i % 50 === 0 ? 'no' : 'yes' }] as const)),
  })
}
