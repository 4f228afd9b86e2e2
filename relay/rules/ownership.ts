/** What a credential may send as: its domains, narrowed by their local parts, narrowed by its own addresses. */
import type { CredentialConfig, SenderConfig } from '../config.ts'
import { comparable, isSubdomain, type Mailbox, needsQuotes, sameDomain } from '../mail/address.ts'

/** A local part that needs quotes belongs to nobody: it is read in too many ways, `"app@corp.t"@other.t` among them. */
export const owns = (credential: CredentialConfig, mailbox: Mailbox): boolean =>
  !needsQuotes(mailbox) &&
  credential.senders.some((sender) => inDomain(sender, mailbox) && inLocalParts(sender, mailbox)) &&
  inAddresses(credential, mailbox)

const inDomain = (sender: SenderConfig, { domain }: Mailbox): boolean =>
  sameDomain(domain, sender.domain) || (sender.includeSubdomains && isSubdomain(domain, sender.domain))

const inLocalParts = ({ localParts }: SenderConfig, mailbox: Mailbox): boolean =>
  localParts.length === 0 || localParts.some((pattern) => matches(pattern.toLowerCase(), comparable(mailbox)))

/** `billing-*` matches `billing-@…` and `billing-eu@…`; without a final star the whole local part is meant. */
const matches = (pattern: string, address: string): boolean =>
  address.startsWith(pattern.endsWith('*') ? pattern.slice(0, -1) : `${pattern}@`)

const inAddresses = ({ addresses }: CredentialConfig, mailbox: Mailbox): boolean =>
  addresses.length === 0 || addresses.some((address) => address.toLowerCase() === comparable(mailbox))
