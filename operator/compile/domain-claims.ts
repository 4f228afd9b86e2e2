/**
 * Decides to whom a domain belongs (decision 0010). Two claims conflict where one address could belong to both, whatever their
 * environments: the same domain, or a subdomain of a claim that includes its subdomains. The oldest claim wins and the loser
 * gets nothing, so nobody can take a subdomain out of another's domain, or spread over a subdomain that another already has.
 * A namespace has one owner, who may declare a domain and, separately, a subdomain of it.
 */
import type { Name } from './snapshot.ts'

export type DomainClaim = {
  readonly owner: Name
  readonly namespace: string
  readonly domain: string
  readonly includeSubdomains: boolean
}

/** `a.b.c` has the parents `b.c` and `c`. */
function parents(domain: string): readonly string[] {
  const labels = domain.split('.')
  return labels.slice(1).map((_, i) => labels.slice(i + 1).join('.'))
}

class Accepted {
  readonly #byDomain = new Map<string, DomainClaim[]>()
  readonly #below = new Map<string, DomainClaim[]>()

  add(claim: DomainClaim): void {
    note(this.#byDomain, claim.domain, claim)
    for (const parent of parents(claim.domain)) note(this.#below, parent, claim)
  }
  at = (domain: string): readonly DomainClaim[] => this.#byDomain.get(domain) ?? []
  below = (domain: string): readonly DomainClaim[] => this.#below.get(domain) ?? []
}

/** Pushes in place: thousands of claims may be below one domain, and copying the list for each would take quadratic time. */
function note(claims: Map<string, DomainClaim[]>, domain: string, claim: DomainClaim): void {
  const known = claims.get(domain)
  if (known === undefined) claims.set(domain, [claim])
  else known.push(claim)
}

function rival(claim: DomainClaim, accepted: Accepted): DomainClaim | undefined {
  const same = accepted.at(claim.domain).find((c) => c.owner !== claim.owner)
  if (same !== undefined) return same
  const above = parents(claim.domain)
    .flatMap(accepted.at)
    .filter((c) => c.includeSubdomains)
  const below = claim.includeSubdomains ? accepted.below(claim.domain) : []
  return [...above, ...below].find((c) => c.namespace !== claim.namespace)
}

/** The owners that lost, each with the claim that it lost to. `claims` come with the oldest first. */
export function lostClaims(claims: readonly DomainClaim[]): ReadonlyMap<Name, DomainClaim> {
  const accepted = new Accepted()
  const lost = new Map<Name, DomainClaim>()
  for (const claim of claims) {
    const winner = rival(claim, accepted)
    if (winner === undefined) accepted.add(claim)
    else lost.set(claim.owner, winner)
  }
  return lost
}
