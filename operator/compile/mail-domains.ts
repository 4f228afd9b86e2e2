/** The mail domain of each SenderDomain that one of a fleet's credentials sends as. */
import type { CredentialConfig } from '../../relay/config.ts'
import { byText } from './order.ts'
import type { Name } from './snapshot.ts'

/** Sorted by the name of the SenderDomain. */
export type MailDomains = ReadonlyMap<Name, string>

export function mailDomains(credentials: readonly CredentialConfig[]): MailDomains {
  const found = new Map<Name, string>()
  for (const { senders } of credentials) {
    for (const { senderDomain, domain } of senders) found.set(senderDomain as Name, domain)
  }
  return new Map([...found].toSorted(([a], [b]) => byText(a, b)))
}
