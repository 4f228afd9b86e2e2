/** Do reverse-path and From belong together? The question that DMARC asks of SPF (RFC 7489 section 3.1). */
import { getDomain } from 'tldts'
import type { RelayConfig } from '../config.ts'
import { sameDomain } from '../mail/address.ts'

type Mode = RelayConfig['senderRules']['alignment']['mode']

export const aligned = (mode: Mode, reverseDomain: string, fromDomain: string): boolean =>
  sameDomain(reverseDomain, fromDomain) ||
  (mode === 'Organizational' && organizational(reverseDomain) === (organizational(fromDomain) ?? ''))

// Private suffixes count (`github.io`): their subdomains belong to different people. A suffix itself has none.
const organizational = (domain: string): string | null =>
  getDomain(domain, { allowPrivateDomains: true, extractHostname: false, validateHostname: false })
