/** Judges RelayCredentials: what each may do in its fleet, and everything that a person should know about it. */
import type { CredentialConfig } from '../../relay/config.ts'
import { parsePath } from '../../relay/mail/address.ts'
import { owns } from '../../relay/rules/ownership.ts'
import { bindingOf, bindingType, guideOf, hasSecret, secretNameAsWritten, secretNameOf } from './binding.ts'
import { type Claimant, listenerFindings, type NameRivals, settleNames } from './client-certificate.ts'
import type { Binding, Finding, Guide } from './compiled.ts'
import { type Claim, settle } from './conflict.ts'
import type { Domains } from './domain.ts'
import { findings } from './findings.ts'
import type { Known } from './known.ts'
import { oldestFirst } from './order.ts'
import { type Permission, permit } from './permission.ts'
import { unfit } from './secret-template.ts'
import { type Credential, type Invalid, type Name, nameOf, referred } from './snapshot.ts'
import { unchanged } from './unchanged.ts'
import { wishOf } from './wish.ts'

export type JudgedCredential = {
  readonly credential: Credential
  readonly fleet: Name
  readonly findings: readonly Finding[]
  /** Whether the Secret that it asks for is, or will be, its own: a status must not point to another credential's Secret. */
  readonly ownsSecret: boolean
  /** What its fleet's relays get to know of it; absent: nothing, so it can not log in. */
  readonly entry?: CredentialConfig
  readonly binding?: Binding
  readonly guide?: Guide
}

type Names = {
  readonly fleet: Name
  /** Its claim to the Secret that its binding is written into. */
  readonly secret: Claim & { readonly thing: Name }
  /** In the order of the references. */
  readonly domains: readonly Name[]
}

const namesIn = unchanged<Credential, Names>()

const namesOf = (credential: Credential): Names =>
  namesIn(credential, [], () => {
    const { namespace, spec } = credential
    return {
      fleet: referred(spec.policyRef, credential),
      secret: { owner: nameOf(credential), thing: `${namespace}/${secretNameOf(credential)}` },
      domains: spec.senderDomainRefs.map((ref) => referred(ref, credential)),
    }
  })

const fleetOf = (credential: Credential): Name => namesOf(credential).fleet

type Facts = {
  readonly domains: Domains
  readonly rival: (claim: Claim) => Name | undefined
  readonly nameRivals: NameRivals
}

/** One named check. All checks are made, so that a person sees everything that is wrong at once. */
type Check = (credential: Credential, permission: Permission, known: Known) => readonly Finding[]

const admittedByPolicy: Check = (credential, { admission }, known) => {
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

const admittedByDomains: Check = (credential, { answers }) => {
  const refs = credential.spec.senderDomainRefs.map((ref, i) => ({
    answer: answers.get(referred(ref, credential)),
    field: `spec.senderDomainRefs[${i}]`,
  }))
  const refused = refs.flatMap(({ answer, field }) =>
    answer !== undefined && 'refusal' in answer ? [{ refusal: answer.refusal, field }] : [],
  )
  const doubts = refs.flatMap(({ answer, field }) =>
    answer !== undefined && 'doubt' in answer ? [findings.domainKept(answer.doubt)(field)] : [],
  )
  const [first] = refused
  const useless = first !== undefined && refused.length === refs.length
  return [
    ...doubts,
    ...refused.map(({ refusal, field }) => findings.domainRefused(refusal)(field)),
    ...(useless ? [findings.noUsableDomain(first.refusal)('spec.senderDomainRefs')] : []),
  ]
}

/**
 * spec.identities.addresses outside the credential's domains: if all of them are, nothing is left that it may send as, which is
 * an error; if only some are, those have no effect.
 */
const identitiesInDomains: Check = ({ spec: { identities } }, { entry }) => {
  if (entry === undefined || identities.addresses.length === 0) return []
  const { addresses } = identities
  const outside = addresses.filter((address) => {
    const mailbox = parsePath(address)
    return mailbox === undefined || !owns(entry, mailbox)
  })
  if (outside.length === 0) return []
  const finding = outside.length === addresses.length ? findings.identitiesOutside : findings.identityOutside
  return [finding(outside)('spec.identities.addresses')]
}

/** Names of labels and annotations that the API server would not accept: because of one, it would refuse the whole Secret. */
const secretNames: Check = (credential) =>
  (['labels', 'annotations'] as const).flatMap((kind) => {
    const names = hasSecret(credential) ? unfit(credential, kind) : []
    const field = `spec.secretTemplate.${kind}`
    return names.length === 0 ? [] : [findings.secretNamesUnfit(names, described[kind], field)(field)]
  })
const described = { labels: 'a label', annotations: 'an annotation' } as const

/** The Secret must not belong to another credential, nor be one that the operator did not make. */
function secretFindings(credential: Credential, { domains: { known }, rival }: Facts): readonly Finding[] {
  if (!hasSecret(credential)) return []
  const { secret } = namesOf(credential)
  const winner = rival(secret)
  const field = 'spec.secretTemplate.name'
  if (winner !== undefined) return [findings.secretConflicted(secretNameOf(credential), winner)(field)]
  const there = known.snapshot.secrets.get(secret.thing)
  const foreign = there !== undefined && there.type !== bindingType
  return foreign ? [findings.secretTaken(secret.thing)(field)] : []
}

const askedForCertificate: Check = (credential, _, known) => {
  const found = known.policy(fleetOf(credential))
  return found.is === 'there' ? listenerFindings(credential, found.object) : []
}

const checks: readonly Check[] = [
  admittedByPolicy, //    the policy's owner says which namespaces may submit
  askedForCertificate, // and whose certificates its listeners ask for
  admittedByDomains, //   each domain's owner says which namespaces may send as it
  identitiesInDomains, // the credential narrows, and something has to be left
  secretNames, //         its Secret may be asked for what none can have
]

const claimAsWritten = (invalid: Invalid): Claim => ({
  owner: nameOf(invalid),
  thing: `${invalid.namespace}/${secretNameAsWritten(invalid)}`,
})

function secretClaims({ credentials, snapshot, credential, stands }: Known): readonly Claim[] {
  const bound = credentials.filter(hasSecret).map((object) => ({ object, claim: namesOf(object).secret }))
  const invalid = snapshot.invalid
    .filter((i) => i.kind === 'RelayCredential')
    .map((i) => ({ object: { creationTimestamp: '', ...i }, claim: claimAsWritten(i) }))
  // Only Secrets with several claims have to be settled.
  const all = [...bound, ...invalid]
  const twice = repeated(all)
  if (twice.size === 0) return []
  const aged = all.filter(({ claim }) => twice.has(claim.thing))
  const claims = oldestFirst(aged, (a) => a.object).map((a) => a.claim)
  const running = new Set<string>([...snapshot.running.values()].flatMap((r) => r.credentials.map((c) => c.name)))
  // A credential that holds its Secret under this very name goes before an older one that has only now been renamed to it: the
  // holder's applications would lose their login.
  const has = ({ owner }: Claim): boolean =>
    snapshot.bindingKeys.has(owner) && snapshot.formerSecrets?.has(owner) !== true
  const standing = claims.filter((c) => stands(credential(c.owner)) && running.has(c.owner))
  return [...standing, ...claims.filter(has), ...claims]
}

function repeated(claims: readonly { readonly claim: Claim }[]): ReadonlySet<string> {
  const [once, twice] = [new Set<string>(), new Set<string>()]
  for (const { claim } of claims) {
    if (once.has(claim.thing)) twice.add(claim.thing)
    else once.add(claim.thing)
  }
  return twice
}

/** Every valid credential, by name. */
export function judgeCredentials(domains: Domains): ReadonlyMap<Name, JudgedCredential> {
  const { credentials } = domains.known
  const rival = settle(secretClaims(domains.known))
  const nameRivals = settleNames(certificateClaimants(domains), domains.known)
  const facts = { domains, rival, nameRivals }
  const judged = new Map<Name, JudgedCredential>()
  for (const credential of credentials) judged.set(nameOf(credential), judgeOnce(credential, facts))
  return judged
}

const certificateClaimants = (domains: Domains): readonly Claimant[] =>
  domains.known.credentials
    .filter(({ spec }) => spec.type === 'ClientCertificate')
    .map((credential) => ({ credential, fleet: fleetOf(credential) }))
    .filter(({ credential, fleet }) => permit(wishOf(credential, undefined), fleet, domains).entry !== undefined)

const judgements = unchanged<Credential, JudgedCredential>()

function judgeOnce(credential: Credential, facts: Facts): JudgedCredential {
  const ground = plainGround(credential, facts)
  return ground === undefined
    ? judge(credential, facts)
    : judgements(credential, ground, () => judge(credential, facts))
}

/**
 * All facts on which the judgement depends, to compare with those of the last time. Only for the usual case, where everything
 * that the credential names exists and is uncontested: then it does not matter what relays knew before. Undefined elsewhere.
 */
function plainGround(
  credential: Credential,
  { domains: { known, lost }, rival, nameRivals }: Facts,
): readonly unknown[] | undefined {
  const { unread, secrets, namespaces, bindingKeys, place } = known.snapshot
  const names = namesOf(credential)
  if (known.snapshot.namespacesMayLag === true && !namespaces.has(credential.namespace)) return undefined
  if (unread.length > 0 || rival(names.secret) !== undefined || secrets.has(names.secret.thing)) return undefined
  if (nameRivals({ credential, fleet: names.fleet }).length > 0) return undefined
  const keys = bindingKeys.get(nameOf(credential))
  const policy = known.policy(names.fleet)
  if (policy.is !== 'there') return undefined
  const ground: unknown[] = [namespaces.get(credential.namespace), keys, place, hasIssuer(known), policy.object]
  for (const name of names.domains) {
    const domain = known.domain(name)
    if (domain.is !== 'there' || lost.has(name)) return undefined
    ground.push(domain.object)
  }
  return ground
}

const hasIssuer = ({ snapshot }: Known): boolean => snapshot.tokenIssuer !== undefined

function judge(credential: Credential, facts: Facts): JudgedCredential {
  const { known } = facts.domains
  const fleet = fleetOf(credential)
  const permission = permit(
    wishOf(credential, known.snapshot.bindingKeys.get(nameOf(credential))),
    fleet,
    facts.domains,
  )
  const secret = secretFindings(credential, facts)
  const wrong = [
    ...checks.flatMap((check) => check(credential, permission, known)),
    ...secret,
    ...facts.nameRivals({ credential, fleet }),
  ]
  const judged = { credential, fleet, findings: wrong, ownsSecret: hasSecret(credential) && secret.length === 0 }
  const closed = wrong.some((f) => f.type === 'Accepted' && f.status === 'False')
  const entry = closed ? undefined : permission.entry
  if (entry === undefined) return Object.freeze(judged)
  const policy = known.policy(fleet)
  if (policy.is !== 'there') return Object.freeze({ ...judged, entry })
  const binding = bindingOf(credential, policy.object, known.snapshot.place)
  const guide = hasIssuer(known) ? guideOf(credential, policy.object, known.snapshot.place) : undefined
  return Object.freeze({
    ...judged,
    entry,
    ...(binding === undefined ? {} : { binding }),
    ...(guide === undefined ? {} : { guide }),
  })
}
