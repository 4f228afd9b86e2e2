/** The configuration of a fleet's relays, as a valid policy and its credentials declare it. */
import { durationMs } from '../../crds/duration.ts'
import { quantityBytes } from '../../crds/quantity.ts'
import { modeOf } from '../../crds/recipients.ts'
import type { CredentialConfig, LimitStoreConfig, RelayConfig } from '../../relay/config.ts'
import { canLogIn } from '../../relay/rules/proof.ts'
import { limitStoreConfig } from './limit-store.ts'
import { hostnameOf, listenerConfig } from './listener.ts'
import { type Member, routeConfig } from './route.ts'
import { nameOf, type Place, type Policy } from './snapshot.ts'

/** One credential of a fleet. Lists of them are sorted by name. */
export type FleetMember = Member & { readonly entry: CredentialConfig }

/** How much of a volume may be queued mail: two thirds, as removed mail that is not tidied up yet may take half as much again. */
const queueBytes = ({ storage }: Policy['spec']['queue']): number => Math.floor((quantityBytes(storage.size) * 2) / 3)

// A message larger than the whole queue is refused for good, and EHLO says so: 452 would let its client try it for days.
const limitsOf = ({ admission: { limits }, queue }: Policy['spec']): RelayConfig['limits'] => ({
  messageBytes: Math.min(quantityBytes(limits.messageSize), queueBytes(queue)),
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
export type Beside = Pick<RelayConfig, 'tokens' | 'signing' | 'brokenDomains'>

// The fields are in the order of the contract (relay/config.ts), because the printed text is hashed and compared.
export function relayConfig(
  policy: Policy,
  members: readonly FleetMember[],
  beside: Beside,
  place: Place,
): RelayConfig {
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
    limits: limitsOf(policy.spec),
    senderRules: senderRulesOf(senderRules),
    recipients: recipientsOf(policy.spec),
    credentials,
    ...beside,
    ...throttles,
    ...sharingOf({ credentials, ...throttles }, place.relays ?? policy.spec.replicas, limitStoreConfig(policy)),
    routes: routes.map((r) => routeConfig(r, members)),
    queue: { maxBytes: queueBytes(queue), maxAgeMs: durationMs(queue.maxAge) },
    evidence: { addresses: evidence.addresses },
  }
}
