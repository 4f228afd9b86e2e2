/** The statuses of all objects as far as compile knows them; the Sink adds what it observes. */
import type { RelayConfig } from '../../relay/config.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { dkimKeyStatus } from '../lifecycle/recorded-dkim-keys.ts'
import { configMapNameOf, secretNameAsWritten, secretNameOf } from './binding.ts'
import type { Finding, Status } from './compiled.ts'
import { conditionsOf } from './condition.ts'
import type { JudgedCredential } from './credential.ts'
import { clientHost, clientPort, hostAndPort } from './listener.ts'
import { type BindingKeys, type Domain, type Invalid, type Name, nameOf, type Place, type Policy } from './snapshot.ts'
import { unchanged } from './unchanged.ts'
import { usernameOf } from './wish.ts'

const statusOf = (generation: number, found: readonly Finding[]): Status => ({
  observedGeneration: generation,
  conditions: conditionsOf(found),
})

/** The label selector of a fleet's pods, for the scale subresource. */
const selectorOf = (policy: { readonly name: string }): string => `relayfleet.dev/policy=${policy.name}`

/** `config` is what the fleet's relays get, or else have; undefined where there is none. */
export const policyStatus = (
  policy: Policy,
  config: RelayConfig | undefined,
  place: Place,
  found: readonly Finding[],
): Status => ({
  ...statusOf(policy.generation, found),
  replicas: policy.spec.replicas,
  selector: selectorOf(policy),
  listeners: policy.spec.listeners.map(({ name, port }) => ({
    name,
    address: hostAndPort(clientHost(place, policy), clientPort(place, port)),
    credentials: config?.credentials.length ?? 0,
  })),
})

const ofCredentials = unchanged<JudgedCredential, Status>()

/** The status names a Secret only if that is this credential's own, and exists or is about to be made. */
export function credentialStatus(
  judged: JudgedCredential,
  keys: BindingKeys | undefined,
  formerSecret: string | undefined,
  found: readonly Finding[],
): Status {
  const { credential, binding, guide, ownsSecret } = judged
  const named = ownsSecret && (binding !== undefined || keys !== undefined)
  return ofCredentials(judged, [keys, formerSecret, found], () => ({
    ...statusOf(credential.generation, found),
    ...(named ? { binding: { name: formerSecret ?? secretNameOf(credential) } } : {}),
    ...(guide === undefined ? {} : { configMap: { name: configMapNameOf(credential) } }),
    username: usernameOf(nameOf(credential)),
    keys: ownsSecret ? keysOf(keys) : [],
  }))
}

const keysOf = (keys: BindingKeys | undefined): BindingKeys['keys'] => keys?.keys ?? []

/** How many policies and credentials use a domain. */
export type Bound = { readonly policies: number; readonly credentials: number }

/** Counts in the configurations that relays get or have, which is what takes effect. */
export function boundDomains(configs: ReadonlyMap<Name, RelayConfig>): (domain: Name) => Bound {
  const users = new Map<string, { readonly policies: Set<Name>; readonly credentials: Set<string> }>()
  for (const [fleet, { credentials }] of configs) {
    for (const { name, senders } of credentials) {
      for (const { senderDomain } of senders) {
        const its = users.get(senderDomain)
        if (its === undefined) {
          users.set(senderDomain, { policies: new Set([fleet]), credentials: new Set([name]) })
        } else {
          its.policies.add(fleet)
          its.credentials.add(name)
        }
      }
    }
  }
  return (domain) => {
    const its = users.get(domain)
    return { policies: its?.policies.size ?? 0, credentials: its?.credentials.size ?? 0 }
  }
}

const ofDomains = unchanged<Domain, Status>()

/** Where `keys` are not known, the status says nothing of them, and the field keeps what it said before. */
export const domainStatus = (
  domain: Domain,
  bound: Bound,
  keys: DomainKeys | undefined,
  found: readonly Finding[],
): Status =>
  ofDomains(domain, [bound.policies, bound.credentials, keys, found], () => ({
    ...statusOf(domain.generation, found),
    bound,
    ...dkimKeysOf(keys),
  }))

const dkimKeysOf = (keys: DomainKeys | undefined) =>
  keys === undefined ? {} : { dkimKeys: keys.keys.map(dkimKeyStatus) }

/** What can be said of an invalid object, whose spec can not be used: its names, and what uses them. */
export function invalidStatus(
  invalid: Invalid,
  keys: BindingKeys | undefined,
  bound: Bound,
  dkim: DomainKeys | undefined,
  found: readonly Finding[],
): Status {
  const status = statusOf(invalid.generation, found)
  switch (invalid.kind) {
    case 'RelayPolicy':
      return { ...status, selector: selectorOf(invalid) }
    case 'SenderDomain':
      return { ...status, bound, ...dkimKeysOf(dkim) }
    case 'RelayCredential':
      return {
        ...status,
        ...(keys === undefined ? {} : { binding: { name: secretNameAsWritten(invalid) } }),
        username: usernameOf(nameOf(invalid)),
        keys: keysOf(keys),
      }
  }
}
