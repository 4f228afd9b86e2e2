/** What a credential may send as: its domains, narrowed by their local parts, narrowed by its own addresses. */
import type { CredentialConfig } from '../config.ts'
import { isSubdomain, type Mailbox, sameDomain } from '../mail/address.ts'

export const owns = (credential: CredentialConfig, mailbox: Mailbox): boolean =>
  credential.senders.some(
    (s) => sameDomain(mailbox.domain, s.domain) || (s.includeSubdomains && isSubdomain(mailbox.domain, s.domain)),
  )
