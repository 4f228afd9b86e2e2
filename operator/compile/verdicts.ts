/** All findings of an object: what is wrong with it, and the good news where nothing of a type is. */
import type { Compiled, CompiledFleet, Finding } from './compiled.ts'
import { inOrder } from './condition.ts'
import type { JudgedCredential } from './credential.ts'
import { type Domains, domainFindings } from './domain.ts'
import { findings } from './findings.ts'
import type { JudgedPolicy } from './policy.ts'
import { type Domain, type Invalid, nameOf } from './snapshot.ts'

const orElse = (found: readonly Finding[], good: Finding): readonly Finding[] =>
  found.some((f) => f.type === good.type) ? [] : [good]

const suspended = (spec: { readonly suspended: boolean }): readonly Finding[] =>
  spec.suspended ? [findings.suspended()('spec.suspended')] : []

export function policyVerdict({ policy, findings: found }: JudgedPolicy): readonly Finding[] {
  return inOrder([
    ...found,
    ...orElse(found, findings.accepted()()),
    ...orElse(found, findings.resolved()()),
    found.length > 0 ? findings.held()() : findings.pending(nameOf(policy))(),
    ...suspended(policy.spec),
  ])
}

export function credentialVerdict(judged: JudgedCredential, fleets: Compiled['fleets']): readonly Finding[] {
  const { credential, findings: found } = judged
  return inOrder([
    ...found,
    ...orElse(found, findings.accepted()()),
    ...orElse(found, findings.resolved()()),
    programmed(judged, fleets.get(judged.fleet)),
    ...suspended(credential.spec),
  ])
}

/** Unknown is for the Sink to replace with what the relays report; what compile knows already is said for good. */
function programmed({ entry, fleet }: JudgedCredential, compiled: CompiledFleet | undefined): Finding {
  if (entry === undefined) return findings.notUsable()()
  if (compiled?.kind !== 'run') return findings.fleetHeld(fleet)()
  return entry.keys.length === 0 ? findings.keyPending()() : findings.pending(fleet)()
}

export const domainVerdict = (domain: Domain, domains: Domains): readonly Finding[] => domainFindings(domain, domains)

const runs: Readonly<Record<Invalid['kind'], readonly Finding[]>> = {
  RelayPolicy: [findings.held()()],
  RelayCredential: [findings.held()()],
  SenderDomain: [],
}

export const invalidVerdict = ({ kind, problems }: Invalid): readonly Finding[] => [
  findings.invalid(problems)(),
  ...runs[kind],
]
