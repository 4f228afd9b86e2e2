/**
 * The rights of a credential whose fleet is held at its last good configuration: what it had before, as far as it would have it
 * by the new one, too. Rights that are taken away are gone at once; new ones wait (decision 0011). Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import type { CredentialConfig, LimitsConfig, SenderConfig } from './config.ts'
import { isWithin } from './rules/networks.ts'
import type { ProofConfig } from './rules/proof.ts'

/** Undefined where the credential is left without anything to log in by, to send as, to come from, or to send to. */
export function heldEntry(before: CredentialConfig, now: CredentialConfig): CredentialConfig | undefined {
  if (isDeepStrictEqual(before, now)) return now
  const proof = heldProof(before, now)
  const senders = before.senders.flatMap((had) => heldSender(had, now.senders))
  const addresses = both(before.addresses, now.addresses, isSame)
  const networks = both(before.networks, now.networks, isWithin)
  const recipientDomains = both(before.recipientDomains, now.recipientDomains, isSame)
  if (proof === undefined || senders.length === 0) return undefined
  if (addresses === undefined || networks === undefined || recipientDomains === undefined) return undefined
  const limits = stricter(before.limits, now.limits)
  const ends = [before.expiresAt, now.expiresAt].filter((at) => at !== undefined)
  return {
    name: now.name,
    username: now.username,
    ...proof,
    ...{ senders, addresses, networks, recipientDomains },
    ...(limits !== undefined && { limits }),
    suspended: before.suspended || now.suspended,
    ...(ends.length > 0 && { expiresAt: Math.min(...ends) }),
  }
}

/**
 * Keys are the new ones, since they come and go by themselves. Service accounts and certificate names are those that are in both.
 */
function heldProof(before: ProofConfig, now: ProofConfig): ProofConfig | undefined {
  const { keys, serviceAccounts, certificate } = now
  if (serviceAccounts !== undefined) {
    const left = serviceAccounts.filter((account) => before.serviceAccounts?.includes(account))
    return left.length === 0 ? undefined : { keys, serviceAccounts: left }
  }
  if (certificate === undefined) return { keys }
  const { caFile, names = [] } = before.certificate ?? {}
  const left = certificate.names.filter((name) => caFile === certificate.caFile && names.includes(name))
  return left.length === 0 ? undefined : { keys, certificate: { ...certificate, names: left } }
}

function heldSender(had: SenderConfig, now: readonly SenderConfig[]): readonly SenderConfig[] {
  const has = now.find((one) => one.senderDomain === had.senderDomain && one.domain === had.domain)
  const localParts = has && both(had.localParts, has.localParts, isCovered)
  if (has === undefined || localParts === undefined) return []
  return [{ ...has, includeSubdomains: had.includeSubdomains && has.includeSubdomains, localParts }]
}

type Within = (inner: string, outer: string) => boolean

/** What two narrowing lists both allow, where an empty list allows everything. Undefined where that is nothing at all. */
export function both(a: readonly string[], b: readonly string[], within: Within): readonly string[] | undefined {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const inner = (one: string, others: readonly string[]): boolean => others.some((other) => within(one, other))
  const left = [...new Set([...a.filter((one) => inner(one, b)), ...b.filter((one) => inner(one, a))])]
  return left.length === 0 ? undefined : left
}

/** Without case, as relays compare them. */
const isSame: Within = (inner, outer) => inner.toLowerCase() === outer.toLowerCase()

const isCovered: Within = (inner, outer) =>
  isSame(inner, outer) || (outer.endsWith('*') && inner.toLowerCase().startsWith(outer.slice(0, -1).toLowerCase()))

/** Of both limits the lower daily one and the slower rate. */
function stricter(a: LimitsConfig | undefined, b: LimitsConfig | undefined): LimitsConfig | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const daily = [a.daily, b.daily].filter((n) => n !== undefined)
  const [rate] = [a.rate, b.rate]
    .filter((r) => r !== undefined)
    .toSorted((x, y) => x.count / x.perMs - y.count / y.perMs || x.count - y.count)
  return {
    ...(daily.length > 0 && { daily: Math.min(...daily) }),
    ...(rate !== undefined && { rate }),
    warnAt: b.warnAt,
  }
}
