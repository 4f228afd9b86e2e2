/** Judges SenderDomains: which claims win, and what a domain grants to a namespace that asks for it. */
import type { SenderConfig } from '../../relay/config.ts'
import type { Finding } from './compiled.ts'
import { consent } from './consent.ts'
import { type DomainClaim, lostClaims } from './domain-claims.ts'
import { findings, type Refusal, refusals } from './findings.ts'
import type { Known } from './known.ts'
import { byText, oldestFirst } from './order.ts'
import { type Domain, type Invalid, type Name, nameOf, namespaceOf } from './snapshot.ts'

export type Domains = {
  /** For each SenderDomain that lost: the claim that it lost to. */
  readonly lost: ReadonlyMap<Name, DomainClaim>
  readonly known: Known
}

const claimOf = (domain: Domain): DomainClaim => ({
  owner: nameOf(domain),
  namespace: domain.namespace,
  domain: domain.spec.domain,
  includeSubdomains: domain.spec.includeSubdomains,
})

/**
 * The claims of domains in doubt, by what relays know of them. They go before all others: else somebody could take a domain
 * over while its owner mends a typing error.
 */
function standingClaims(known: Known): readonly DomainClaim[] {
  if (!known.hasDoubts) return []
  const claims = new Map<string, DomainClaim>()
  for (const { senderDomain, domain, includeSubdomains } of sendersNow(known)) {
    const owner = senderDomain as Name
    if (!known.stands(known.domain(owner))) continue
    const claim = { owner, namespace: namespaceOf(owner), domain, includeSubdomains }
    claims.set(`${owner} ${domain} ${includeSubdomains}`, claim)
  }
  return [...claims].toSorted(([a], [b]) => byText(a, b)).map(([, claim]) => claim)
}

function* sendersNow({ snapshot }: Known): Generator<SenderConfig> {
  for (const { credentials } of snapshot.running.values()) for (const { senders } of credentials) yield* senders
}

/** What an invalid object claims, in the broadest reading of what is written; nothing where it does not even name a domain. */
function claimAsWritten({ namespace, name, spec }: Invalid): readonly DomainClaim[] {
  const { domain, includeSubdomains = false } = (spec ?? {}) as Readonly<Record<string, unknown>>
  if (typeof domain !== 'string') return []
  return [{ owner: `${namespace}/${name}`, namespace, domain, includeSubdomains: includeSubdomains !== false }]
}

function agedClaims({ domains, snapshot }: Known): readonly DomainClaim[] {
  const invalid = snapshot.invalid.filter((i) => i.kind === 'SenderDomain')
  const aged = [
    ...domains.map((d) => ({ object: d, claims: [claimOf(d)] })),
    ...invalid.map((i) => ({ object: { creationTimestamp: '', ...i }, claims: claimAsWritten(i) })),
  ]
  return oldestFirst(aged, (a) => a.object).flatMap((a) => a.claims)
}

export const judgeDomains = (known: Known): Domains => ({
  known,
  lost: lostClaims([...standingClaims(known), ...agedClaims(known)]),
})

export function domainFindings(domain: Domain, { lost }: Domains): readonly Finding[] {
  const winner = lost.get(nameOf(domain))
  if (winner === undefined) return [findings.accepted()(), ...unsigned(domain)]
  const mine = domain.spec.domain
  if (winner.domain.endsWith(`.${mine}`)) {
    return [findings.subdomainConflicted(mine, winner.domain, winner.owner)('spec.includeSubdomains')]
  }
  const its = winner.includeSubdomains ? `${winner.domain} and its subdomains` : winner.domain
  return [findings.domainConflicted(mine, winner.owner, its)('spec.domain')]
}

/**
 * A Production domain without spec.dkim is not signed by default, since a key can sign only after its owner has published a
 * record; a finding says so, instead of leaving that to be found out.
 */
const unsigned = ({ spec }: Domain): readonly Finding[] =>
  spec.environment === 'Production' && spec.dkim === undefined ? [findings.notSigned(spec.domain)('spec.dkim')] : []

/** Who asks for a domain, and what relays knew as granted before. */
export type Asking = {
  readonly namespace: string
  readonly policy: Name
  /** The environment of the policy; undefined where it is not known. */
  readonly environment: string | undefined
  readonly before: readonly SenderConfig[]
}

export type Answer =
  | { readonly senders: readonly SenderConfig[]; readonly doubt?: Refusal }
  | { readonly refusal: Refusal }

/** What a domain grants: the right to send as it, or in doubt the right that was there before; or a refusal. */
export function askDomain(name: Name, asking: Asking, domains: Domains): Answer {
  const found = domains.known.domain(name)
  switch (found.is) {
    case 'there':
      return askThere(found.object, asking, domains)
    case 'doubtful':
      return asBefore(name, asking, refusals.domainDoubtful(name))
    case 'absent':
      return { refusal: refusals.domainNotFound(name) }
  }
}

function asBefore(name: Name, { before }: Asking, refusal: Refusal): Answer {
  const senders = before.filter((s) => s.senderDomain === name)
  return senders.length > 0 ? { senders, doubt: refusal } : { refusal }
}

function askThere(domain: Domain, asking: Asking, { known, lost }: Domains): Answer {
  const { namespace, policy, environment } = asking
  const name = nameOf(domain)
  const winner = lost.get(name)
  if (winner !== undefined) return { refusal: refusals.domainConflicted(name, winner.owner) }
  const given = consent(domain.spec.allowedNamespaces, domain.namespace, namespace, known.snapshot)
  if (given === 'no') return { refusal: refusals.notAllowedByDomain(name, namespace) }
  const its = domain.spec.environment
  if (environment !== undefined && its !== environment) {
    return { refusal: refusals.environmentMismatch(name, its, policy, environment) }
  }
  if (given === 'unknown') return asBefore(name, asking, refusals.consentUnknown(name, namespace))
  return { senders: [senderOf(domain)] }
}

const senderOf = (domain: Domain): SenderConfig => ({
  senderDomain: nameOf(domain),
  domain: domain.spec.domain,
  includeSubdomains: domain.spec.includeSubdomains,
  localParts: domain.spec.localParts,
})
