/**
 * The DNS records that external-dns is asked to publish for a domain: those of its keys, and its DMARC record. SPF is left to a
 * person: the domain's own name has TXT records of others as well, and external-dns would have to own all of them.
 */
import { dkimRecordText } from '../lifecycle/dkim-record.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import { freshRecord } from '../lifecycle/judge-dmarc.ts'
import type { Wanted } from '../lifecycle/records-wanted.ts'
import type { PublishedRecord } from '../lifecycle/txt-record.ts'
import type { Publication } from './compiled.ts'
import type { Known } from './known.ts'
import { type Domain, type Name, nameOf } from './snapshot.ts'
import { unchanged } from './unchanged.ts'

/** Which records are published, by spec.dns.publisher. With CNAME, the records of the keys are in targetZone. */
const publishes: Readonly<Record<Domain['spec']['dns']['publisher'], readonly Wanted['purpose'][]>> = {
  Manual: [],
  // The records in the domain's own zone are left to its owner.
  CNAME: ['DKIM'],
  DNSEndpoint: ['DKIM', 'DMARC'],
}

const none: Publication = { records: [], isRequired: false }
const made = unchanged<DomainChecks, Publication>()

/** What is published stays as it is for a domain that is not in the result: its keys are not known yet, or it is in doubt. */
export function publications(
  { domains, snapshot }: Known,
  checks: ReadonlyMap<Name, DomainChecks>,
): ReadonlyMap<Name, Publication> {
  const isKnown = (domain: Domain): boolean =>
    (domain.spec.dkim?.mode ?? 'Off') === 'Off' || snapshot.domainKeys?.has(nameOf(domain)) === true
  return new Map(domains.filter(isKnown).map((domain) => [nameOf(domain), publicationOf(domain, checks)] as const))
}

function publicationOf(domain: Domain, checks: ReadonlyMap<Name, DomainChecks>): Publication {
  const { publisher } = domain.spec.dns
  const its = checks.get(nameOf(domain))
  if (its === undefined || publisher === 'Manual') return none
  return made(its, [publisher], () => ({
    records: its.wanted.filter(({ purpose }) => publishes[publisher].includes(purpose)).flatMap(recordOf),
    isRequired: publisher === 'DNSEndpoint',
  }))
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
      // The alias itself is added once, by the domain's owner.
      return wanted.type === 'CNAME'
        ? []
        : [{ name, type, value: dkimRecordText(wanted.key.type, wanted.key.publicKey) }]
  }
}
