/** A constructor for every finding: its type, status and reason, and a message that names the object and how to mend it. */
import type { Condition, Finding } from './compiled.ts'
import { notSigned } from './not-signed.ts'
import type { Name } from './snapshot.ts'

const says =
  <Args extends readonly unknown[]>(
    type: string,
    status: Condition['status'],
    reason: string,
    message: (...args: Args) => string,
  ) =>
  (...args: Args) =>
  (field?: string): Finding => ({
    type,
    status,
    reason,
    message: message(...args),
    ...(field === undefined ? {} : { field }),
  })

/** Reason for a credential some of whose addresses are outside its domains; it may send as the others. */
export const identityOutside = 'IdentityOutsideDomains'
/** Reason for a credential whose Secret can not have all the labels or annotations that were asked for. */
export const secretNamesUnfit = 'SecretNamesUnfit'

const list = (names: readonly string[]): string => names.join(', ')

/**
 * Why one senderDomainRef can not be used. The reason goes into ResolvedRefs, and into Accepted if no senderDomainRef can be
 * used.
 */
export type Refusal = { readonly reason: string; readonly message: string }
const refuses =
  <Args extends readonly unknown[]>(reason: string, message: (...args: Args) => string) =>
  (...args: Args): Refusal => ({ reason, message: message(...args) })

export const refusals = {
  domainNotFound: refuses(
    'DomainNotFound',
    (domain: Name) => `there is no SenderDomain ${domain}; correct the reference, or have the domain owner make it`,
  ),
  domainDoubtful: refuses(
    'DomainUnknown',
    (domain: Name) =>
      `SenderDomain ${domain} has an error or could not be read; nothing new is granted until it is mended`,
  ),
  domainConflicted: refuses(
    'DomainConflicted',
    (domain: Name, winner: Name) =>
      `SenderDomain ${domain} lost its domain to SenderDomain ${winner}, which came first; see the conditions of ${domain}`,
  ),
  notAllowedByDomain: refuses(
    'NotAllowedByDomain',
    (domain: Name, namespace: string) =>
      `SenderDomain ${domain} does not admit namespace ${namespace}; its owner has to change spec.allowedNamespaces`,
  ),
  consentUnknown: refuses(
    'NamespaceUnknown',
    (domain: Name, namespace: string) =>
      `the labels of namespace ${namespace} could not be read, so it is not known whether SenderDomain ${domain} admits it`,
  ),
  environmentMismatch: refuses(
    'EnvironmentMismatch',
    (domain: Name, its: string, policy: Name, environment: string) =>
      `SenderDomain ${domain} is ${its} and RelayPolicy ${policy} is ${environment}; use a SenderDomain and a RelayPolicy of the same environment`,
  ),
} as const

const word = (why: 'invalid' | 'unread'): string => (why === 'invalid' ? 'has an error' : 'could not be read')

/** Each constructor takes its facts, and then the field to change, where there is one. */
export const findings = {
  accepted: says('Accepted', 'True', 'Accepted', () => 'nothing is wrong with it'),
  invalid: says(
    'Accepted',
    'False',
    'Invalid',
    (problems: readonly string[]) =>
      `${problems.join('; ')} (until it is mended, what was running stays, as far as it is still permitted)`,
  ),
  domainConflicted: says(
    'Accepted',
    'False',
    'Conflicted',
    (domain: string, winner: Name, its: string) =>
      `${domain} belongs to SenderDomain ${winner} (${its}), which came first; take this one away, or ask the owner of that one`,
  ),
  subdomainConflicted: says(
    'Accepted',
    'False',
    'Conflicted',
    (domain: string, taken: string, winner: Name) =>
      `${taken} belongs to SenderDomain ${winner}, which came first, so ${domain} can not include its subdomains; set spec.includeSubdomains to false`,
  ),
  secretConflicted: says(
    'Accepted',
    'False',
    'Conflicted',
    (secret: string, winner: Name) =>
      `Secret ${secret} is written for RelayCredential ${winner}, which came first; choose another spec.secretTemplate.name`,
  ),
  secretTaken: says(
    'Accepted',
    'False',
    'Conflicted',
    (secret: Name) => `Secret ${secret} is there already and is no binding; choose another spec.secretTemplate.name`,
  ),
  portTaken: says(
    'Accepted',
    'False',
    'Conflicted',
    (port: string, winner: Name) =>
      `${port} is taken on this machine by RelayPolicy ${winner}, which came first; choose another port`,
  ),
  listenersCollide: says(
    'Accepted',
    'False',
    'Conflicted',
    (port: number, first: string, second: string) =>
      `listeners ${first} and ${second} would both bind port ${port}, since a port below 1024 moves up by 2000; choose another`,
  ),
  hostnameNotItsOwn: says(
    'Accepted',
    'False',
    'HostnameNotItsOwn',
    (hostname: string, own: string) =>
      `${hostname} is the name of another Service of the cluster, whose clients would take this fleet for it; give a name in the DNS, or none: then it is ${own}`,
  ),
  policyNotFound: says(
    'Accepted',
    'False',
    'PolicyNotFound',
    (policy: Name) => `there is no RelayPolicy ${policy}; correct spec.policyRef`,
  ),
  policyDoubtful: says(
    'Accepted',
    'Unknown',
    'PolicyUnknown',
    (policy: Name, why: 'invalid' | 'unread') =>
      `RelayPolicy ${policy} ${word(why)}; this credential keeps what it had and gets nothing new until that is mended`,
  ),
  notAllowedByPolicy: says(
    'Accepted',
    'False',
    'NotAllowedByPolicy',
    (policy: Name, namespace: string) =>
      `RelayPolicy ${policy} does not admit namespace ${namespace}; its owner has to change spec.admission.credentials.namespaces`,
  ),
  admissionUnknown: says(
    'Accepted',
    'Unknown',
    'NamespaceUnknown',
    (policy: Name, namespace: string) =>
      `the labels of namespace ${namespace} could not be read, so it is not known whether RelayPolicy ${policy} admits it`,
  ),
  noUsableDomain: (refusal: Refusal) =>
    says('Accepted', 'False', refusal.reason, () => `none of its SenderDomains can be used: ${refusal.message}`)(),
  certificateNotAsked: says(
    'Accepted',
    'False',
    'CertificateNotAsked',
    (policy: Name, ca: string) =>
      `no listener of RelayPolicy ${policy} asks for client certificates of caRef ${ca}; correct spec.clientCertificate.caRef, or have its owner set clientCertificates of a listener`,
  ),
  /**
   * No error, since it may be meant as a second factor; but somebody who does not mean it would see only a 554 without a reason.
   */
  certificateRequiredToo: says(
    'Accepted',
    'True',
    'CertificateRequiredToo',
    (policy: Name, authorities: readonly string[]) =>
      `every listener of RelayPolicy ${policy} requires a client certificate (caRef ${list(authorities)}), so its clients have to show one as well; give them certificates, make it a credential of type ClientCertificate, or have the policy's owner set mode Optional at a listener`,
  ),
  certificateNameConflicted: says(
    'Accepted',
    'False',
    'Conflicted',
    (name: string, winner: Name) =>
      `certificates with ${name} belong to RelayCredential ${winner}, which came first; name another subject alternative name, or take it out of that one`,
  ),
  identitiesOutside: says(
    'Accepted',
    'False',
    'IdentitiesOutsideDomains',
    (addresses: readonly string[]) =>
      `${list(addresses)}: the SenderDomains of this credential (domain, localParts) allow none of these; correct spec.identities.addresses`,
  ),
  /** No error: the address may be meant for a domain that is still to come. */
  identityOutside: says(
    'Accepted',
    'True',
    identityOutside,
    (addresses: readonly string[]) =>
      `${list(addresses)}: the SenderDomains of this credential (domain, localParts) do not allow this; correct spec.identities.addresses, or take it out`,
  ),

  secretNamesUnfit: says(
    'Accepted',
    'True',
    secretNamesUnfit,
    (names: readonly string[], of: string, field: string) =>
      `${names.map((name) => JSON.stringify(name)).join(', ')}: Kubernetes does not allow ${of} of that name, so the Secret has none; correct ${field}, or take it out`,
  ),

  resolved: says('ResolvedRefs', 'True', 'ResolvedRefs', () => 'every reference resolves'),
  policyUnresolved: says(
    'ResolvedRefs',
    'False',
    'PolicyNotFound',
    (policy: Name) => `there is no RelayPolicy ${policy}; correct spec.policyRef`,
  ),
  domainKept: (refusal: Refusal) =>
    says('ResolvedRefs', 'Unknown', refusal.reason, () => `${refusal.message}; what was granted before stays`)(),
  domainRefused: (refusal: Refusal) => says('ResolvedRefs', 'False', refusal.reason, () => refusal.message)(),
  secretNotFound: says(
    'ResolvedRefs',
    'False',
    'SecretNotFound',
    (what: string, keys: readonly string[]) => `there is no ${what}; create it with ${list(keys)}`,
  ),
  secretIncomplete: says(
    'ResolvedRefs',
    'False',
    'InvalidSecret',
    (what: string, lacks: readonly string[]) => `${what} lacks ${list(lacks)}; add what is missing`,
  ),
  secretOfWrongType: says(
    'ResolvedRefs',
    'False',
    'InvalidSecret',
    (what: string, is: string, wanted: string) => `${what} is of type ${is}; it has to be of type ${wanted}`,
  ),

  notSigned: says(
    'DKIMValid',
    'False',
    notSigned,
    (domain: string) =>
      `mail from ${domain} is not signed (DKIM), so receivers may refuse it or trust it less; set spec.dkim to {} to have keys made, whose records status.records then shows, or to {mode: "Off", signedBy: Smarthost} if the next hop signs`,
  ),

  pending: says(
    'Programmed',
    'Unknown',
    'Pending',
    (fleet: Name) => `waiting for the relays of RelayPolicy ${fleet} to report this configuration`,
  ),
  keyPending: says('Programmed', 'Unknown', 'Pending', () => 'waiting for its first key'),
  issuerUnknown: says(
    'Programmed',
    'False',
    'TokenIssuerUnknown',
    (why: string) =>
      `the keys of the cluster's token issuer are not known, so no token can be verified: ${why}; the operator goes on asking`,
  ),
  noIssuer: says(
    'Programmed',
    'False',
    'NoTokenIssuer',
    () => 'service accounts have tokens only in a cluster, and this is none; use a credential of type Password here',
  ),
  held: says(
    'Programmed',
    'False',
    'Held',
    () => 'what was running stays as it was, and nothing new starts, until the problem above is mended',
  ),
  fleetHeld: says(
    'Programmed',
    'False',
    'Held',
    (fleet: Name) =>
      `the relays of RelayPolicy ${fleet} stay as they were until the problem in its conditions is mended`,
  ),
  notUsable: says('Programmed', 'False', 'NotUsable', () => 'no relay accepts this credential; see Accepted'),

  expired: says(
    'Expired',
    'True',
    'Expired',
    (at: string) =>
      `spec.expiresAt (${at}) has passed, so no relay accepts this credential; set a later time, or take the field away`,
  ),
  suspended: says('Suspended', 'True', 'Suspended', () => 'spec.suspended is true; set it to false to resume'),
} as const
