/** The mail domains that a fleet may have mail of: a credential sends as the SenderDomain now, or one did before. */
import type { CredentialConfig, RelayConfig } from '../../relay/config.ts'
import type { Known } from './known.ts'
import { byText } from './order.ts'
import type { Name } from './snapshot.ts'

/** Sorted by the name of the SenderDomain. */
export type MailDomains = ReadonlyMap<Name, string>

const sorted = (found: Iterable<readonly [Name, string]>): MailDomains =>
  new Map([...found].toSorted(([a], [b]) => byText(a, b)))

export function mailDomains(credentials: readonly CredentialConfig[]): MailDomains {
  const found = new Map<Name, string>()
  for (const { senders } of credentials) {
    for (const { senderDomain, domain } of senders) found.set(senderDomain as Name, domain)
  }
  return sorted(found)
}

/**
 * Domains as which no credential sends any more, while mail of them may wait in queues, because credentials were deleted or no
 * longer refer to them. A domain that a credential still refers to, but may not use, is not among them: its owner or an older
 * claim took it away, and that holds at once, for queued mail too.
 */
export function leftDomains(
  mail: MailDomains,
  refersTo: (name: Name) => boolean,
  running: Pick<RelayConfig, 'signing' | 'brokenDomains'> | undefined,
  { domain: find }: Known,
): MailDomains {
  const had = [...(running?.signing ?? []), ...(running?.brokenDomains ?? [])]
  const left = had.flatMap(({ senderDomain, domain }) => {
    const name = senderDomain as Name
    const found = find(name)
    const isGone = found.is === 'absent' || (found.is === 'there' && found.object.spec.domain !== domain)
    return isGone || mail.has(name) || refersTo(name) ? [] : [[name, domain] as const]
  })
  return sorted(left)
}

export const bothOf = (mail: MailDomains, left: MailDomains): MailDomains =>
  left.size === 0 ? mail : sorted([...mail, ...left])
