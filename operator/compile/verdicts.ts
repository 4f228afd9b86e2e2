/** All findings of an object: what is wrong with it, and for each type of condition where nothing is wrong, the good news. */

import { hasKeys } from '../../relay/rules/proof.ts'
import type { Compiled, CompiledFleet, Finding } from './compiled.ts'
import { inOrder } from './condition.ts'
import type { JudgedCredential } from './credential.ts'
import { type Domains, domainFindings } from './domain.ts'
import { findings } from './findings.ts'
import type { JudgedPolicy } from './policy.ts'
import { type Domain, type Invalid, type Name, nameOf, type Snapshot } from './snapshot.ts'
import { unchanged } from './unchanged.ts'

const accepted = findings.accepted()()
const resolved = findings.resolved()()
const keyPending = findings.keyPending()()

const orElse = (found: readonly Finding[], good: Finding): readonly Finding[] =>
  found.some((f) => f.type === good.type) ? [] : [good]

const suspended = (spec: { readonly suspended: boolean }): readonly Finding[] =>
  spec.suspended ? [findings.suspended()('spec.suspended')] : []

export function policyVerdict({ policy, findings: found }: JudgedPolicy): readonly Finding[] {
  return inOrder([
    ...found,
    ...orElse(found, accepted),
    ...orElse(found, resolved),
    found.length > 0 ? findings.held()() : findings.pending(nameOf(policy))(),
    ...suspended(policy.spec),
  ])
}

const ofCredentials = unchanged<JudgedCredential, readonly Finding[]>()

export function credentialVerdict(
  judged: JudgedCredential,
  fleets: Compiled['fleets'],
  issuer: Snapshot['tokenIssuer'],
): readonly Finding[] {
  const { credential, findings: found, fleet } = judged
  const compiled = fleets.get(fleet)
  const facts = [compiled?.kind, compiled?.config?.tokens !== undefined, issuer?.is === 'unknown' && issuer.why]
  return ofCredentials(judged, facts, () =>
    inOrder([
      ...found,
      ...orElse(found, accepted),
      ...orElse(found, resolved),
      programmed(judged, compiled, issuer),
      ...suspended(credential.spec),
    ]),
  )
}

const pendings = unchanged<CompiledFleet, Finding>()

/** One shared finding for all credentials of a fleet. */
const pendingIn = (fleet: Name, compiled: CompiledFleet): Finding =>
  pendings(compiled, [], () => findings.pending(fleet)())

/** An Unknown here is replaced by the Sink with what relays report; a False is decided here, and stays. */
function programmed(
  { entry, fleet }: JudgedCredential,
  compiled: CompiledFleet | undefined,
  issuer: Snapshot['tokenIssuer'],
): Finding {
  if (entry === undefined) return findings.notUsable()()
  if (compiled?.kind !== 'run') return findings.fleetHeld(fleet)()
  if (entry.serviceAccounts !== undefined) {
    if (compiled.config.tokens !== undefined) return pendingIn(fleet, compiled)
    return issuer?.is === 'unknown' ? findings.issuerUnknown(issuer.why)() : findings.noIssuer()()
  }
  return hasKeys(entry) && entry.keys.length === 0 ? keyPending : pendingIn(fleet, compiled)
}

const ofDomains = unchanged<Domain, readonly Finding[]>()

export function domainVerdict(domain: Domain, domains: Domains): readonly Finding[] {
  const keys = domains.known.snapshot.domainKeys?.get(nameOf(domain))
  return ofDomains(domain, [domains.lost.get(nameOf(domain)), keys], () => {
    const found = keys?.found ?? []
    const refs = domain.spec.dkim?.secretRef !== undefined && keys?.sign !== undefined
    return inOrder([...domainFindings(domain, domains), ...found, ...(refs ? orElse(found, resolved) : [])])
  })
}

const runs: Readonly<Record<Invalid['kind'], readonly Finding[]>> = {
  RelayPolicy: [findings.held()()],
  RelayCredential: [findings.held()()],
  SenderDomain: [],
}

export const invalidVerdict = ({ kind, problems }: Invalid): readonly Finding[] => [
  findings.invalid(problems)(),
  ...runs[kind],
]
