/** What a fleet is to be: made anew from a valid policy, or, for a held fleet, what is running without the rights that were revoked. */
import { durationMs } from '../../crds/duration.ts'
import { type CredentialConfig, printConfig, type RelayConfig } from '../../relay/config.ts'
import { heldEntry } from '../../relay/held-entry.ts'
import { heldConfig } from '../../relay/less-revoked.ts'
import type { CompiledFleet } from './compiled.ts'
import { servicePort } from './listener.ts'
import { acceptedSpools, discardsQueue } from './own-annotations.ts'
import type { JudgedPolicy } from './policy.ts'
import { type Beside, type FleetMember, relayConfig } from './relay-config.ts'
import type { BesideSpec, Name, Place, Policy, Snapshot } from './snapshot.ts'
import { unchanged } from './unchanged.ts'

const running = unchanged<Policy, CompiledFleet>()

export function runFleet(
  { policy, files }: JudgedPolicy,
  members: readonly FleetMember[],
  beside: Beside,
  place: Place,
): CompiledFleet {
  const facts: unknown[] = [place, JSON.stringify([files, beside])]
  for (const { entry, labels } of members) facts.push(entry, labels)
  const make = (): CompiledFleet => ({
    kind: 'run',
    config: relayConfig(policy, members, beside, place),
    replicas: policy.leaving === true ? 0 : policy.spec.replicas,
    ports: policy.spec.listeners.map((l) => servicePort(place, l)),
    storage: policy.spec.queue.storage.size,
    availability: availabilityOf(policy.spec),
    files,
    ...saidOf(policy),
  })
  return running(policy, facts, () => Object.freeze(make()))
}

const availabilityOf = ({ availability }: Policy['spec']) => ({
  maxUnavailable: availability.maxUnavailable,
  drainTimeoutMs: durationMs(availability.drainTimeout),
})

/** What a person has said of the policy outside its spec: annotations, and its deletion. */
function saidOf(policy: BesideSpec | undefined): Pick<CompiledFleet, 'acceptedSpools' | 'discardQueue' | 'leaving'> {
  if (policy === undefined) return {}
  const accepted = acceptedSpools(policy)
  return {
    ...(accepted.length > 0 && { acceptedSpools: accepted }),
    ...(discardsQueue(policy) && { discardQueue: true }),
    ...(policy.leaving === true && { leaving: true }),
  }
}

type Held = {
  readonly policy: Policy | undefined
  /** Known even of a policy that does not satisfy its schema. */
  readonly said: BesideSpec | undefined
  readonly keys: Pick<Snapshot['bindingKeys'], 'has'>
  /** As of now: how a domain's records are does not depend on the policy. */
  readonly broken: Pick<RelayConfig, 'brokenDomains'>
  /** As of now; of the keys that it has, the fleet keeps those that still sign. */
  readonly signing: Pick<RelayConfig, 'signing'>
  /** As of now: the token issuer rotates its keys whatever is wrong with the policy. */
  readonly tokens: Pick<RelayConfig, 'tokens'>
}

/**
 * A held fleet gains nothing and loses what was revoked: a revocation must not wait until a typing error is mended (decision
 * 0011).
 */
export function holdFleet(
  running: RelayConfig | undefined,
  members: readonly Pick<FleetMember, 'entry'>[],
  { policy, said, keys, tokens, broken, signing }: Held,
): CompiledFleet {
  const hold = { kind: 'hold', ...saidOf(said) } as const
  if (running === undefined) return hold
  const entries = new Map(members.map((m) => [m.entry.name, m.entry]))
  const credentials = running.credentials.flatMap((before): readonly CredentialConfig[] => {
    const now = entries.get(before.name)
    const entry = now && heldEntry(before, now)
    if (entry === undefined) return []
    // If nothing is known of its keys, they stay. If it is known that it has none, they were revoked.
    return [keys.has(before.name as Name) ? entry : { ...entry, keys: before.keys }]
  })
  const config = heldConfig(running, {
    credentials,
    suspended: running.suspended || (policy?.spec.suspended ?? false),
    tokens: tokens.tokens,
    signing: signing.signing,
    brokenDomains: broken.brokenDomains,
    relays: policy?.spec.replicas,
  })
  return printConfig(config) === printConfig(running) ? hold : { ...hold, config }
}
