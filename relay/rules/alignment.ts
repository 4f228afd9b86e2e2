/** Do the domains of reverse-path and From belong together? The question that DMARC asks of SPF (RFC 7489 section 3.1). */
import { getDomain } from 'tldts'
import type { RelayConfig } from '../config.ts'
import { sameDomain } from '../mail/address.ts'

type Mode = RelayConfig['senderRules']['alignment']['mode']

export const aligned = (mode: Mode, reverseDomain: string, fromDomain: string): boolean =>
  sameDomain(reverseDomain, fromDomain) ||
  (mode === 'Organizational' && organizational(reverseDomain) === (organizational(fromDomain) ?? ''))

// The organizational domain (`example.co.uk`), or null for a public suffix itself. Private suffixes (`github.io`) count as public
// ones: their subdomains belong to different people.
const organizational = (domain: string): string | null =>
  getDomain(domain, { allowPrivateDomains: true, extractHostname: false, validateHostname: false })
