/** The mail domain of each SenderDomain whose mail a fleet may have: one of its credentials sends as it, or did. */
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
 * Of credentials that were deleted, or refer to it no more, mail may wait in the queues. One that is still referred to was
 * taken away from who refers to it, by its owner or by an older claim: that counts at once, for such mail too.
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
