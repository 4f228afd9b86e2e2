/**
 * The running configuration less all rights that a newer one takes away, for as long as that can not be used as a whole: nothing
 * that is revoked waits (decision 0011). Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import type { CredentialConfig, RelayConfig } from './config.ts'
import { both, heldEntry } from './held-entry.ts'
import { isWithin } from './rules/networks.ts'
import { canLogIn } from './rules/proof.ts'
import { mayLeave } from './rules/report-way.ts'

/** The schema's limit of a fleet: where their number is not known, each relay hands out too little rather than too much. */
const mostRelays = 100

export function lessRevoked(running: RelayConfig, now: RelayConfig): RelayConfig {
  const { tokens, signing, brokenDomains, sharing } = now
  const entries = new Map(now.credentials.map((entry) => [entry.name, entry]))
  const credentials = running.credentials.flatMap((before) => {
    const entry = entries.get(before.name)
    return (entry && heldEntry(before, entry)) ?? []
  })
  const before = {
    ...running,
    networks: narrower(running.networks, now.networks),
    recipients: fewer(running.recipients, now.recipients),
    // Relays that have come since have a share of each limit already.
    ...(running.sharing && {
      sharing: { ...running.sharing, relays: Math.max(running.sharing.relays, sharing?.relays ?? 0) },
    }),
  }
  return heldConfig(before, {
    credentials,
    suspended: running.suspended || now.suspended,
    tokens,
    signing,
    brokenDomains,
    relays: sharing?.relays,
  })
}

/**
 * `now` without keys and tokens that `running` does not take. Else they are taken as they are in `now`, since they come and go by
 * themselves; but where that is not understood as a whole, what is not understood may narrow just those.
 */
export function withoutNewProofs(now: RelayConfig, running: RelayConfig): RelayConfig {
  const { tokens, ...rest } = now
  const { tokens: taken } = running
  const before = new Map(running.credentials.map(({ name, keys }) => [name, keys]))
  const credentials = now.credentials.map((entry) => {
    const had = before.get(entry.name) ?? []
    return {
      ...entry,
      keys: entry.keys.filter((key) => had.some((k) => k.id === key.id && k.verifier === key.verifier)),
    }
  })
  const isSame = tokens?.issuer === taken?.issuer && tokens?.audience === taken?.audience
  const keys = tokens?.keys.filter((key) => taken?.keys.some((k) => isDeepStrictEqual(k, key))) ?? []
  return { ...rest, credentials, ...(tokens !== undefined && isSame && { tokens: { ...tokens, keys } }) }
}

type Networks = RelayConfig['networks']

const everywhere = ['0.0.0.0/0', '::/0']

/** The networks that both allow and neither denies; where no network is allowed by both, all are denied. */
function narrower(before: Networks, now: Networks): Networks {
  const allow = both(before.allow, now.allow, isWithin)
  const deny = [...before.deny, ...now.deny, ...(allow === undefined ? everywhere : [])]
  return { allow: allow ?? before.allow, deny: [...new Set(deny)] }
}

type Recipients = RelayConfig['recipients']

/** From the mode by which most mail leaves to that by which none does. */
const modes: readonly Recipients['mode'][] = ['Unrestricted', 'AllowList', 'Redirect', 'Capture']

/**
 * Recipients to whom mail leaves by both. Capture takes the place of a Redirect to an address that either of them does not send
 * to: one that is in no AllowList, or that the other redirects elsewhere.
 */
function fewer(before: Recipients, now: Recipients): Recipients {
  const isInBoth = (path: string): boolean => mayLeave(before, path) && mayLeave(now, path)
  const least = modes.indexOf(before.mode) < modes.indexOf(now.mode) ? now : before
  if (least.mode === 'Redirect' && !isInBoth(least.redirectTo ?? ''))
    return { mode: 'Capture', domains: [], addresses: [] }
  if (before.mode !== 'AllowList' || now.mode !== 'AllowList') return least
  const addresses = [...before.addresses, ...now.addresses].filter(isInBoth)
  const domains = before.domains.filter((domain) => now.domains.includes(domain))
  return { ...before, domains, addresses: [...new Set(addresses)] }
}

/** What is left of a configuration that is held: see `heldConfig`. */
export type Left = Pick<RelayConfig, 'credentials' | 'suspended'> & {
  readonly tokens: RelayConfig['tokens']
  /** What the newer configuration signs, so that queued mail of a domain is still signed although nobody sends as it any more. */
  readonly signing: RelayConfig['signing']
  readonly brokenDomains: RelayConfig['brokenDomains']
  /** How many relays share limits, for a configuration that had none to share; undefined: that is not known. */
  readonly relays: number | undefined
}

/**
 * The running configuration with what is `left`. Its fields are in the order of the contract, since its text is hashed and
 * compared.
 */
export function heldConfig(running: RelayConfig, left: Left): RelayConfig {
  const { tokens: _, signing: __, brokenDomains: ___, throttles, sharing: shared, ...before } = running
  const { routes, queue, evidence, ...rest } = before
  const { suspended, tokens, brokenDomains } = left
  const credentials = left.credentials.filter(canLogIn)
  const signing = signingHeld(credentials, running, left.signing)
  const isShared = credentials.some((c) => c.limits !== undefined)
  const sharing = shared ?? (isShared ? { relays: Math.max(1, left.relays ?? mostRelays) } : undefined)
  return {
    ...rest,
    suspended,
    credentials,
    ...(tokens !== undefined && credentials.some((c) => c.serviceAccounts !== undefined) && { tokens }),
    ...(signing.length > 0 && { signing }),
    ...(brokenDomains !== undefined && { brokenDomains }),
    ...(throttles !== undefined && { throttles }),
    ...(sharing !== undefined && { sharing }),
    routes,
    queue,
    evidence,
  }
}

/** What signed before, for the domains that a credential may still send as, or that the newer configuration still signs. */
function signingHeld(
  credentials: readonly CredentialConfig[],
  { signing = [] }: RelayConfig,
  now: RelayConfig['signing'] = [],
) {
  const signs = now.map((s) => [s.senderDomain, s.domain] as const)
  const sends = credentials.flatMap((c) => c.senders.map((s) => [s.senderDomain, s.domain] as const))
  const senders = new Map([...signs, ...sends])
  return signing.filter((entry) => senders.get(entry.senderDomain) === entry.domain)
}
