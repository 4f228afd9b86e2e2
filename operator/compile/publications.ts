/**
 * What is published for a domain by somebody else's hands: the records of its keys, and its DMARC record. SPF stays with a
 * person: its name has TXT records of others as well, and who publishes one of them publishes them all.
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

/** By whose word: how much of what is wanted is published. A key's own record is in its own zone, wherever that is. */
const publishes: Readonly<Record<Domain['spec']['dns']['publisher'], readonly Wanted['purpose'][]>> = {
  Manual: [],
  // The domain's zone is left to its owner.
  CNAME: ['DKIM'],
  DNSEndpoint: ['DKIM', 'DMARC'],
}

const none: Publication = { records: [], isRequired: false }
const made = unchanged<DomainChecks, Publication>()

/** A domain that is not in it stays as it is published: its keys are not known yet, or it is in doubt itself. */
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
      // An alias is added once, by whoever owns the domain.
      return wanted.type === 'CNAME'
        ? []
        : [{ name, type, value: dkimRecordText(wanted.key.type, wanted.key.publicKey) }]
  }
}
