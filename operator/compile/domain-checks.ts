/** Which records of a domain are looked at: what its owner expects, and those of its keys, also of the last ones. A domain that belongs to another one is not. */
import { durationMs } from '../../crds/duration.ts'
import { type DelegatedSelector, isDelegatedName } from '../lifecycle/delegated-selectors.ts'
import { type DkimKey, keyTypeOf } from '../lifecycle/dkim-key.ts'
import { wishOf } from '../lifecycle/dkim-wish.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { type RetiredKey, recordsWanted, type SelectorKey, type Spare } from '../lifecycle/records-wanted.ts'
import type { Domains } from './domain.ts'
import { type Domain, type Name, nameOf } from './snapshot.ts'
import { unchanged } from './unchanged.ts'
import { whenBrokenOf } from './when-broken.ts'

/** Until it is recorded that its time is over, the record of a key has to be there. */
function selectorKeys(domain: string, known: DomainKeys | undefined): readonly SelectorKey[] {
  const keys = (known?.keys ?? []).filter(({ stage }) => stage !== 'Retired')
  const signs = keys.some(({ stage }) => stage === 'Active')
  return keys.map((key) => ({
    ...{ ...recordOf(domain, key), type: keyTypeOf(key.algorithm), publicKey: key.publicKey },
    ...((key.stage === 'Retiring' || (signs && key.stage !== 'Active')) && { isSpare: true }),
  }))
}

/** Those that the status still tells of: the last one of each kind. */
const retiredKeys = (domain: string, known: DomainKeys | undefined): readonly RetiredKey[] =>
  (known?.keys ?? [])
    .filter(({ stage }) => stage === 'Retired')
    .map((key) => ({ ...recordOf(domain, key), type: keyTypeOf(key.algorithm), publicKey: key.publicKey }))

/** A status is not trusted with names that others may have. */
const recordOf = (domain: string, { selector, delegatedTo = '' }: DkimKey) => ({
  selector,
  ...(isDelegatedName(delegatedTo, selector, domain) && { delegatedTo }),
})

/** Aliases are added once, so all are asked for at the beginning; later mail does not need those that have no key now. */
function vacantSelectors(
  { spec }: Domain,
  keys: readonly SelectorKey[],
  known: DomainKeys | undefined,
): readonly (DelegatedSelector & Spare)[] {
  const { types, delegated } = wishOf(spec)
  const signs = (known?.keys ?? []).some(({ stage }) => stage === 'Active')
  return types
    .flatMap((type) => delegated?.[type] ?? [])
    .filter(({ selector }) => !keys.some((key) => key.selector === selector))
    .map((its) => ({ ...its, ...(signs && { isSpare: true }) }))
}

const made = unchanged<Domain, DomainChecks>()

const checksOf = (domain: Domain, known: DomainKeys | undefined): DomainChecks =>
  made(domain, [known], () => {
    const { domain: its, expect, dns, verifyEvery } = domain.spec
    const keys = selectorKeys(its, known)
    const checks: DomainChecks = {
      domain: its,
      wanted: recordsWanted(its, expect, keys, retiredKeys(its, known), vacantSelectors(domain, keys, known)),
      resolvers: dns.resolvers,
      verifyEveryMs: durationMs(verifyEvery),
      isWaiting: (known?.keys ?? []).some(({ stage }) => stage === 'Pending' || stage === 'Published'),
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
