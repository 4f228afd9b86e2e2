/** What a credential may send as: its domains, narrowed by their local parts, narrowed by its own addresses. */
import type { CredentialConfig, SenderConfig } from '../config.ts'
import { comparable, isSubdomain, type Mailbox, needsQuotes, sameDomain } from '../mail/address.ts'

/** A local part that needs quotes belongs to nobody: it is read in too many ways, `"app@corp.t"@other.t` among them. */
export const owns = (credential: CredentialConfig, mailbox: Mailbox): boolean =>
  ownerOf(credential, mailbox) !== undefined

/** The sender domain by which the mailbox is the credential's; the nearest one, where a domain and one below it are. */
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

const inLocalParts = ({ localParts }: SenderConfig, mailbox: Mailbox): boolean =>
  localParts.length === 0 || localParts.some((pattern) => matches(pattern.toLowerCase(), comparable(mailbox)))

/** `billing-*` matches `billing-@…` and `billing-eu@…`; without a final star the whole local part is meant. */
const matches = (pattern: string, address: string): boolean =>
  address.startsWith(pattern.endsWith('*') ? pattern.slice(0, -1) : `${pattern}@`)

const inAddresses = ({ addresses }: CredentialConfig, mailbox: Mailbox): boolean =>
  addresses.length === 0 || addresses.some((address) => address.toLowerCase() === comparable(mailbox))
