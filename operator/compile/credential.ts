/** RelayCredentials: what a credential may do in its fleet, and everything that a person should know about it. */
import type { CredentialConfig } from '../../relay/config.ts'
import { parsePath } from '../../relay/mail/address.ts'
import { owns } from '../../relay/rules/ownership.ts'
import { bindingOf, bindingType, secretNameOf } from './binding.ts'
import type { Binding, Finding } from './compiled.ts'
import { type Claim, settle } from './conflict.ts'
import type { Domains } from './domain.ts'
import { findings, type Refusal } from './findings.ts'
import { byAge } from './order.ts'
import { type Permission, permit } from './permission.ts'
import { type Credential, type Name, nameOf } from './snapshot.ts'
import { domainName, wishOf } from './wish.ts'

export type JudgedCredential = {
  readonly credential: Credential
  readonly fleet: Name
  readonly findings: readonly Finding[]
  /** What its fleet's relays may know; absent: nothing, so it is closed. */
  readonly entry?: CredentialConfig
  readonly binding?: Binding
}

export const fleetOf = ({ namespace, spec: { policyRef } }: Credential): Name =>
  `${policyRef.namespace ?? namespace}/${policyRef.name}`

type Facts = { readonly domains: Domains; readonly rival: (claim: Claim) => Name | undefined }

/** One thing to look at; every check is asked, so that a person sees all that is wrong at once. */
type Check = (credential: Credential, permission: Permission, facts: Facts) => readonly Finding[]

const admittedByPolicy: Check = (credential, { admission }, { domains: { known } }) => {
  const fleet = fleetOf(credential)
  const { namespace } = credential
  const found = known.policy(fleet)
  if (found.is === 'doubtful') return [findings.policyDoubtful(fleet, found.why)('spec.policyRef')]
  if (found.is === 'absent') {
    return [findings.policyNotFound(fleet)('spec.policyRef'), findings.policyUnresolved(fleet)('spec.policyRef')]
  }
  if (admission === 'no') return [findings.notAllowedByPolicy(fleet, namespace)('spec.policyRef')]
  return admission === 'unknown' ? [findings.admissionUnknown(fleet, namespace)('spec.policyRef')] : []
}

const refusalOf = (name: Name, { answers }: Permission): Refusal | undefined => {
  const answer = answers.get(name)
  return answer !== undefined && 'refusal' in answer ? answer.refusal : undefined
}

const admittedByDomains: Check = (credential, permission) => {
  const refused = credential.spec.senderDomainRefs.flatMap((_, i) => {
    const refusal = refusalOf(domainName(credential, i), permission)
    return refusal === undefined ? [] : [{ refusal, field: `spec.senderDomainRefs[${i}]` }]
  })
  const [first] = refused
  const useless = first !== undefined && refused.length === credential.spec.senderDomainRefs.length
  return [
    ...refused.map(({ refusal, field }) => findings.domainRefused(refusal)(field)),
    ...(useless ? [findings.noUsableDomain(first.refusal)('spec.senderDomainRefs')] : []),
  ]
}

/** An address narrows; where none of them is in a permitted domain, nothing is left to send as. */
const identitiesInDomains: Check = ({ spec: { identities } }, { entry }) => {
  if (entry === undefined || identities.addresses.length === 0) return []
  const owned = identities.addresses.map(parsePath).some((mailbox) => mailbox !== undefined && owns(entry, mailbox))
  return owned ? [] : [findings.identitiesOutside(identities.addresses)('spec.identities.addresses')]
}

const secretClaim = (credential: Credential): Claim => ({
  owner: nameOf(credential),
  thing: `${credential.namespace}/${secretNameOf(credential)}`,
})

const secretIsFree: Check = (credential, _permission, { domains: { known }, rival }) => {
  const claim = secretClaim(credential)
  const winner = rival(claim)
  const field = 'spec.secretTemplate.name'
  if (winner !== undefined) return [findings.secretConflicted(secretNameOf(credential), winner)(field)]
  const there = known.snapshot.secrets.get(claim.thing as Name)
  const foreign = there !== undefined && there.type !== bindingType
  return foreign ? [findings.secretTaken(claim.thing as Name)(field)] : []
}

const checks: readonly Check[] = [
  admittedByPolicy, //    the policy's owner says which namespaces may submit
  admittedByDomains, //   each domain's owner says which namespaces may send as it
  identitiesInDomains, // the credential narrows, and something has to be left
  secretIsFree, //        the binding is written where nobody else writes
]

/** Every valid credential, by name. */
export function judgeCredentials(domains: Domains): ReadonlyMap<Name, JudgedCredential> {
  const { credentials } = domains.known
  const rival = settle(credentials.toSorted(byAge).map(secretClaim))
  return new Map(credentials.map((c) => [nameOf(c), judge(c, { domains, rival })]))
}

function judge(credential: Credential, facts: Facts): JudgedCredential {
  const { known } = facts.domains
  const fleet = fleetOf(credential)
  const permission = permit(
    wishOf(credential, known.snapshot.bindingKeys.get(nameOf(credential))),
    fleet,
    facts.domains,
  )
  const wrong = checks.flatMap((check) => check(credential, permission, facts))
  const closed = wrong.some((f) => f.type === 'Accepted' && f.status === 'False')
  const entry = closed ? undefined : permission.entry
  if (entry === undefined) return { credential, fleet, findings: wrong }
  const policy = known.policy(fleet)
  const binding = policy.is === 'there' ? bindingOf(credential, policy.object, known.snapshot.place) : undefined
  return { credential, fleet, findings: wrong, entry, ...(binding === undefined ? {} : { binding }) }
}
