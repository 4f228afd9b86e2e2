/**
 * Which DNS records of a domain are looked at: those that its owner expects, and those of its keys, retired ones included. A
 * domain that lost its claim has none.
 */
import { durationMs } from '../../crds/duration.ts'
import type { WaitingKey } from '../lifecycle/check-again.ts'
import { type DelegatedSelector, isDelegatedName } from '../lifecycle/delegated-selectors.ts'
import { type DkimKey, keyTypeOf } from '../lifecycle/dkim-key.ts'
import { wishOf } from '../lifecycle/dkim-wish.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import {
  type RetiredKey,
  recordsWanted,
  type SelectorKey,
  type Spare,
  selectorName,
} from '../lifecycle/records-wanted.ts'
import type { Domains } from './domain.ts'
import { type Domain, type Name, nameOf } from './snapshot.ts'
import { unchanged } from './unchanged.ts'
import { whenBrokenOf } from './when-broken.ts'

/** The keys whose records have to be there: all until the status records them as Retired. */
function selectorKeys(domain: string, known: DomainKeys | undefined): readonly SelectorKey[] {
  const keys = (known?.keys ?? []).filter(({ stage }) => stage !== 'Retired')
  const signs = keys.some(({ stage }) => stage === 'Active')
  return keys.map((key) => ({
    ...{ ...recordOf(domain, key), type: keyTypeOf(key.algorithm), publicKey: key.publicKey },
    ...((key.stage === 'Retiring' || (signs && key.stage !== 'Active')) && { isSpare: true }),
  }))
}

/** The retired keys that the status still has: usually the last one of each kind. */
const retiredKeys = (domain: string, known: DomainKeys | undefined): readonly RetiredKey[] =>
  (known?.keys ?? [])
    .filter(({ stage }) => stage === 'Retired')
    .map((key) => ({ ...recordOf(domain, key), type: keyTypeOf(key.algorithm), publicKey: key.publicKey }))

/** `delegatedTo` comes from a status, which others may write, so it counts only where it is a name of this very domain. */
const recordOf = (domain: string, { selector, delegatedTo = '' }: DkimKey) => ({
  selector,
  ...(isDelegatedName(delegatedTo, selector, domain) && { delegatedTo }),
})

/**
 * Delegated selectors without a key now. All aliases are asked for at the beginning, since the owner adds them once; as soon as
 * a key signs, mail does not need those that have no key, so they are spare.
 */
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

const waitingKeys = (domain: string, known: DomainKeys | undefined): readonly WaitingKey[] =>
  (known?.keys ?? []).flatMap((key) => {
    const { stage, since } = key
    if (stage !== 'Pending' && stage !== 'Published') return []
    const { selector, delegatedTo } = recordOf(domain, key)
    const alias = selectorName(selector, domain)
    return [{ stage, since, names: delegatedTo === undefined ? [alias] : [alias, delegatedTo] }]
  })

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
      waiting: waitingKeys(its, known),
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
