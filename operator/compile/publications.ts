/**
 * What is published for a domain by somebody else's hands: the records of its keys, and its DMARC record. SPF stays with a
 * person: its name has TXT records of others as well, and who publishes one of them publishes them all.
 */
import { dkimRecordText } from '../lifecycle/dkim-record.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import { freshRecord } from '../lifecycle/judge-dmarc.ts'
import type { Wanted } from '../lifecycle/records-wanted.ts'
import type { PublishedRecord } from '../lifecycle/txt-record.ts'
import type { Known } from './known.ts'
import { type Domain, type Name, nameOf } from './snapshot.ts'
import { unchanged } from './unchanged.ts'

const made = unchanged<DomainChecks, readonly PublishedRecord[]>()

/** A domain that is not in it stays as it is published: its keys are not known yet, or it is in doubt itself. */
export function publications(
  { domains, snapshot }: Known,
  checks: ReadonlyMap<Name, DomainChecks>,
): ReadonlyMap<Name, readonly PublishedRecord[]> {
  const isKnown = (domain: Domain): boolean =>
    (domain.spec.dkim?.mode ?? 'Off') === 'Off' || snapshot.domainKeys?.has(nameOf(domain)) === true
  return new Map(domains.filter(isKnown).map((domain) => [nameOf(domain), recordsOf(domain, checks)] as const))
}

function recordsOf(domain: Domain, checks: ReadonlyMap<Name, DomainChecks>): readonly PublishedRecord[] {
  const its = domain.spec.dns.publisher === 'DNSEndpoint' ? checks.get(nameOf(domain)) : undefined
  return its === undefined ? [] : made(its, [], () => its.wanted.flatMap(recordOf))
}

function recordOf(wanted: Wanted): readonly PublishedRecord[] {
  const { name, type } = wanted
  switch (wanted.purpose) {
    case 'SPF':
    case 'RetiredKey':
      return []
    case 'DMARC':
      return [{ name, type, value: freshRecord(wanted) }]
    case 'DKIM':
      // Where a selector is delegated, somebody else publishes.
      return wanted.type === 'CNAME'
        ? []
        : [{ name, type, value: dkimRecordText(wanted.key.type, wanted.key.publicKey) }]
  }
}
