/** A fleet's configuration: all of it from a policy that is in order, or what is running less the rights taken away. */
import { durationMs } from '../../crds/duration.ts'
import { quantityBytes } from '../../crds/quantity.ts'
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

/** One credential of a fleet, sorted by name among the others. */
export type FleetMember = Member & { readonly entry: CredentialConfig }

const limitsOf = ({ limits }: Policy['spec']['admission']): RelayConfig['limits'] => ({
  messageBytes: quantityBytes(limits.messageSize),
  recipientsPerMessage: limits.recipientsPerMessage,
  connectionsPerClient: limits.connectionsPerClient,
  messagesPerConnection: limits.messagesPerConnection,
  transactionMs: durationMs(limits.transactionTime),
})

/** NonProduction mail goes nowhere unless somebody says where. */
const defaultMode = { Production: 'Unrestricted', NonProduction: 'Capture' } as const

const recipientsOf = ({ environment, recipients }: Policy['spec']): RelayConfig['recipients'] => ({
  mode: recipients.mode ?? defaultMode[environment],
  domains: recipients.allow.domains,
  addresses: recipients.allow.addresses,
  ...(recipients.redirectTo === undefined ? {} : { redirectTo: recipients.redirectTo }),
})

const senderRulesOf = (rules: Policy['spec']['senderRules']): RelayConfig['senderRules'] => ({
  envelopeFrom: { enforcement: rules.envelopeFrom.enforcement },
  headerFrom: {
    enforcement: rules.headerFrom.enforcement,
    displayNameAddress: rules.headerFrom.displayNameAddress,
  },
  alignment: { enforcement: rules.alignment.enforcement, mode: rules.alignment.mode },
  nullReversePath: rules.nullReversePath,
})

/** Of a volume: the spool may hold half as much again in what was removed and not yet tidied up. */
const queueBytes = (volumeBytes: number): number => Math.floor((volumeBytes * 2) / 3)

/** How much passes in a time; absent where nothing says so. */
const throttlesOf = (throttles: Policy['spec']['throttles']): Pick<RelayConfig, 'throttles'> => {
  if (throttles.length === 0) return {}
  return {
    throttles: throttles.map(({ name, scope, rate: { count, per }, burst, action }) => ({
      name,
      // A set: in another order it is the same, and goes on with what was counted.
      scope: [...new Set(scope)].toSorted(),
      rate: { count, perMs: durationMs(per) },
      burst: burst ?? count,
      action,
    })),
  }
}

/** Who shares what may be sent; nothing to share, nothing to say: then scaling changes no configuration. */
const sharingOf = (
  { credentials, throttles = [] }: Pick<RelayConfig, 'credentials' | 'throttles'>,
  relays: number,
  store?: LimitStoreConfig,
): Pick<RelayConfig, 'sharing'> =>
  throttles.length > 0 || credentials.some((c) => c.limits !== undefined)
    ? { sharing: { relays: Math.max(1, relays), ...(store !== undefined && { store }) } }
    : {}

/** Whose tokens are taken, what signs, and whose mail is held back. */
type Beside = Pick<RelayConfig, 'tokens' | 'signing' | 'brokenDomains'>

// The fields are in the order of the contract, since the text is what is hashed and compared.
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

/** What a person has said of it beside its spec. */
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
  /** Also of a policy that does not satisfy its schema. */
  readonly said: BesideSpec | undefined
  readonly keys: Pick<Snapshot['bindingKeys'], 'has'>
  /** Told anew: what a domain's records are does not wait for a policy. */
  readonly broken: Pick<RelayConfig, 'brokenDomains'>
  /** Of what it has, it keeps what still signs. */
  readonly signing: Pick<RelayConfig, 'signing'>
  /** Neither a right nor the policy's: the issuer takes keys back, and signs by new ones, whatever is wrong with a policy. */
  readonly tokens: Pick<RelayConfig, 'tokens'>
}

/** A held fleet gains nothing, and loses what was taken away: a revocation never waits for a typing error to be mended. */
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
    // Where nothing is known of its keys, they stay; where it is known that there are none, they were revoked.
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
