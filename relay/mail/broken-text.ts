/** Why mail of a domain is held back, in a reply: which domain, which records, and who mends them. Pure. */
import type { RelayConfig } from '../config.ts'

type BrokenDomain = NonNullable<RelayConfig['brokenDomains']>[number]

/** So many records are named in a reply, which has room for a few. */
const most = 3

export function brokenText({ domain, senderDomain, records }: BrokenDomain): string {
  const rest = records.length - most
  const named = `${records.slice(0, most).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  return `the DNS records of ${domain} are broken (${named}); the owner of SenderDomain ${senderDomain} has to publish them as its status says`
}
