/** Which records of a domain are looked at: what its owner expects, and those of its keys, also of the last ones. A domain that belongs to another one is not. */
import { durationMs } from '../../crds/duration.ts'
import { keyTypeOf } from '../lifecycle/dkim-key.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { type RetiredKey, recordsWanted, type SelectorKey } from '../lifecycle/records-wanted.ts'
import type { Domains } from './domain.ts'
import { type Domain, type Name, nameOf } from './snapshot.ts'
import { unchanged } from './unchanged.ts'
import { whenBrokenOf } from './when-broken.ts'

/** Until it is recorded that its time is over, the record of a key has to be there. */
function selectorKeys(known: DomainKeys | undefined): readonly SelectorKey[] {
  const keys = (known?.keys ?? []).filter(({ stage }) => stage !== 'Retired')
  const signs = keys.some(({ stage }) => stage === 'Active')
  return keys.map(({ selector, algorithm, publicKey, stage }) => ({
    ...{ selector, type: keyTypeOf(algorithm), publicKey },
    ...((stage === 'Retiring' || (signs && stage !== 'Active')) && { isSpare: true }),
  }))
}

/** Those that the status still tells of: the last one of each kind. */
const retiredKeys = (known: DomainKeys | undefined): readonly RetiredKey[] =>
  (known?.keys ?? [])
    .filter(({ stage }) => stage === 'Retired')
    .map(({ selector, algorithm, publicKey }) => ({ selector, type: keyTypeOf(algorithm), publicKey }))

const made = unchanged<Domain, DomainChecks>()

const checksOf = (domain: Domain, keys: DomainKeys | undefined): DomainChecks =>
  made(domain, [keys], () => {
    const { domain: its, expect, dns, verifyEvery } = domain.spec
    const checks: DomainChecks = {
      domain: its,
      wanted: recordsWanted(its, expect, selectorKeys(keys), retiredKeys(keys)),
      resolvers: dns.resolvers,
      verifyEveryMs: durationMs(verifyEvery),
      isWaiting: (keys?.keys ?? []).some(({ stage }) => stage === 'Pending' || stage === 'Published'),
      whenBroken: whenBrokenOf(domain.spec),
    }
    return Object.freeze(checks)
  })

export const domainChecks = ({ known, lost }: Domains): ReadonlyMap<Name, DomainChecks> =>
  new Map(
    known.domains
      .filter((domain) => !lost.has(nameOf(domain)))
      .map((domain) => [nameOf(domain), checksOf(domain, known.snapshot.domainKeys?.get(nameOf(domain)))] as const)
      .filter(([, { wanted }]) => wanted.length > 0),
  )
