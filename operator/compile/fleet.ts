/**
 * A fleet's configuration: made anew from a valid policy, or, for a held fleet, what is running without the rights that were
 * revoked.
 */
import { durationMs } from '../../crds/duration.ts'
import { quantityBytes } from '../../crds/quantity.ts'
import { modeOf } from '../../crds/recipients.ts'
import { type CredentialConfig, type LimitStoreConfig, printConfig, type RelayConfig } from '../../relay/config.ts'
import { heldEntry } from '../../relay/held-entry.ts'
import { heldConfig } from '../../relay/less-revoked.ts'
import { canLogIn } from '../../relay/rules/proof.ts'
import type { CompiledFleet } from './compiled.ts'
import { limitStoreConfig } from './limit-store.ts'
import { hostnameOf, listenerConfig, servicePort } from './listener.ts'
import { acceptedSpools, discardsQueue } from './own-annotations.ts'
import type { JudgedPolicy } from './policy.ts'
import { type Member, routeConfig } from './route.ts'
import { type BesideSpec, type Name, nameOf, type Place, type Policy, type Snapshot } from './snapshot.ts'
import { unchanged } from './unchanged.ts'

/** One credential of a fleet. Lists of them are sorted by name. */
export type FleetMember = Member & { readonly entry: CredentialConfig }

const limitsOf = ({ limits }: Policy['spec']['admission']): RelayConfig['limits'] => ({
  messageBytes: quantityBytes(limits.messageSize),
  recipientsPerMessage: limits.recipientsPerMessage,
  connectionsPerClient: limits.connectionsPerClient,
  messagesPerConnection: limits.messagesPerConnection,
  transactionMs: durationMs(limits.transactionTime),
})

const recipientsOf = (spec: Policy['spec']): RelayConfig['recipients'] => {
  const { allow, redirectTo } = spec.recipients
  return {
    mode: modeOf(spec),
    domains: allow.domains,
    addresses: allow.addresses,
    ...(redirectTo === undefined ? {} : { redirectTo }),
  }
}

const senderRulesOf = (rules: Policy['spec']['senderRules']): RelayConfig['senderRules'] => ({
  envelopeFrom: { enforcement: rules.envelopeFrom.enforcement },
  headerFrom: {
    enforcement: rules.headerFrom.enforcement,
    displayNameAddress: rules.headerFrom.displayNameAddress,
  },
  alignment: { enforcement: rules.alignment.enforcement, mode: rules.alignment.mode },
  nullReversePath: rules.nullReversePath,
})

/** How much of a volume may be queued mail: two thirds, as removed mail that is not tidied up yet may take half as much again. */
const queueBytes = (volumeBytes: number): number => Math.floor((volumeBytes * 2) / 3)

const throttlesOf = (throttles: Policy['spec']['throttles']): Pick<RelayConfig, 'throttles'> => {
  if (throttles.length === 0) return {}
  return {
    throttles: throttles.map(({ name, scope, rate: { count, per }, burst, action }) => ({
      name,
      // Sorted, because it is a set: writing it in another order must not begin a new count.
      scope: [...new Set(scope)].toSorted(),
      rate: { count, perMs: durationMs(per) },
      burst: burst ?? count,
      action,
    })),
  }
}

/**
 * How many relays share the limits. Left out where nothing is limited, so that scaling does not change the configuration then.
 */
const sharingOf = (
  { credentials, throttles = [] }: Pick<RelayConfig, 'credentials' | 'throttles'>,
  relays: number,
  store?: LimitStoreConfig,
): Pick<RelayConfig, 'sharing'> =>
  throttles.length > 0 || credentials.some((c) => c.limits !== undefined)
    ? { sharing: { relays: Math.max(1, relays), ...(store !== undefined && { store }) } }
    : {}

/**
 * The parts that do not follow from the policy's spec: the token issuer, the DKIM keys, and the domains whose mail is held back.
 */
type Beside = Pick<RelayConfig, 'tokens' | 'signing' | 'brokenDomains'>

// The fields are in the order of the contract (relay/config.ts), because the printed text is hashed and compared.
function relayConfig(policy: Policy, members: readonly FleetMember[], beside: Beside, place: Place): RelayConfig {
  const { environment, suspended, listeners, admission, senderRules, routes, queue, evidence } = policy.spec
  const { networks, authFailures } = admission
  const credentials = members.map((m) => m.entry).filter(canLogIn)
  const throttles = throttlesOf(policy.spec.throttles)
  return {
    version: 'relay.relayfleet.dev/v1',
    policy: nameOf(policy),
    environment,
    hostname: hostnameOf(policy),
    suspended,
    listeners: listeners.map((l) => listenerConfig(place, l)),
    networks: { allow: networks.allow, deny: networks.deny },
    authFailures: {
      max: authFailures.max,
      perMs: durationMs(authFailures.per),
      lockoutMs: durationMs(authFailures.lockout),
    },
    limits: limitsOf(admission),
    senderRules: senderRulesOf(senderRules),
    recipients: recipientsOf(policy.spec),
    credentials,
    ...beside,
    ...throttles,
    ...sharingOf({ credentials, ...throttles }, place.relays ?? policy.spec.replicas, limitStoreConfig(policy)),
    routes: routes.map((r) => routeConfig(r, members)),
    queue: { maxBytes: queueBytes(quantityBytes(queue.storage.size)), maxAgeMs: durationMs(queue.maxAge) },
    evidence: { addresses: evidence.addresses },
  }
}

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
