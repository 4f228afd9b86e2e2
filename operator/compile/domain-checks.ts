/** Which records of a domain are looked at: what its owner expects. A domain that belongs to another one is not. */
import { durationMs } from '../../crds/duration.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import { recordsWanted } from '../lifecycle/records-wanted.ts'
import type { Domains } from './domain.ts'
import { type Domain, type Name, nameOf } from './snapshot.ts'
import { unchanged } from './unchanged.ts'

const made = unchanged<Domain, DomainChecks>()

const checksOf = (domain: Domain): DomainChecks =>
  made(domain, [], () => {
    const { domain: its, expect, dns, verifyEvery } = domain.spec
    const checks: DomainChecks = {
      domain: its,
      wanted: recordsWanted(its, expect, []),
      resolvers: dns.resolvers,
      verifyEveryMs: durationMs(verifyEvery),
      whenBroken: { action: 'Warn', graceMs: 0 },
    }
    return Object.freeze(checks)
  })

export const domainChecks = ({ known, lost }: Domains): ReadonlyMap<Name, DomainChecks> =>
  new Map(
    known.domains
      .filter((domain) => !lost.has(nameOf(domain)))
      .map((domain) => [nameOf(domain), checksOf(domain)] as const)
      .filter(([, { wanted }]) => wanted.length > 0),
  )
