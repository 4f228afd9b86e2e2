/** The mail domain of each SenderDomain that one of a fleet's credentials sends as. */
import type { CredentialConfig } from '../../relay/config.ts'
import type { Name } from './snapshot.ts'

export function mailDomains(credentials: readonly CredentialConfig[]): ReadonlyMap<Name, string> {
  const found = new Map<Name, string>()
  for (const { senders } of credentials) {
    for (const { senderDomain, domain } of senders) found.set(senderDomain as Name, domain)
  }
  return found
}
