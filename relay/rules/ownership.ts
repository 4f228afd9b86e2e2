/**
 * What a credential may send as: the domains of its senders, narrowed by their local parts and by the credential's own addresses.
 */
import type { CredentialConfig, SenderConfig } from '../config.ts'
import { comparable, isSubdomain, type Mailbox, needsQuotes, sameDomain } from '../mail/address.ts'

/** A local part that needs quotes is nobody's: software reads it in too many ways, as `"app@corp.t"@other.t` for app@corp.t. */
export const owns = (credential: CredentialConfig, mailbox: Mailbox): boolean =>
  ownerOf(credential, mailbox) !== undefined

/** The sender by which the mailbox is the credential's; where both a domain and one below it are, that of the longer name. */
export function ownerOf(credential: CredentialConfig, mailbox: Mailbox): SenderConfig | undefined {
  if (needsQuotes(mailbox) || !inAddresses(credential, mailbox)) return undefined
  const owners = credential.senders.filter((sender) => inDomain(sender, mailbox) && inLocalParts(sender, mailbox))
  return owners.reduce<SenderConfig | undefined>(
    (nearest, sender) => (nearest !== undefined && nearest.domain.length >= sender.domain.length ? nearest : sender),
    undefined,
  )
}

const inDomain = (sender: SenderConfig, { domain }: Mailbox): boolean =>
  sameDomain(domain, sender.domain) || (sender.includeSubdomains && isSubdomain(domain, sender.domain))

const inLocalParts = ({ localParts }: SenderConfig, mailbox: Mailbox): boolean => {
  if (localParts.length === 0) return true
  const { whole, prefixes } = listed(localParts)
  const address = comparable(mailbox)
  return whole.has(address.slice(0, address.lastIndexOf('@'))) || prefixes.some((prefix) => address.startsWith(prefix))
}

const inAddresses = ({ addresses }: CredentialConfig, mailbox: Mailbox): boolean =>
  addresses.length === 0 || listed(addresses).whole.has(comparable(mailbox))

/**
 * Patterns, in lower case. `prefixes`: those with a final star, without it: `billing-*` matches `billing-@…` and `billing-eu@…`.
 */
type Listed = { readonly whole: ReadonlySet<string>; readonly prefixes: readonly string[] }

// By the list itself: those of a configuration never change, and with it they are collected. A header may name a thousand senders.
const read = new WeakMap<readonly string[], Listed>()

function listed(patterns: readonly string[]): Listed {
  const known = read.get(patterns)
  if (known !== undefined) return known
  const lower = patterns.map((pattern) => pattern.toLowerCase())
  const made = {
    whole: new Set(lower.filter((pattern) => !pattern.endsWith('*'))),
    prefixes: lower.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1)),
  }
  read.set(patterns, made)
  return made
}
