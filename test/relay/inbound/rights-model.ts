/**
 * Who may send what, by what is declared at one moment: the three kinds of docs/reference.md and the decisions on logins (0036, 0038),
 * as their owners understand them, and not as relay/ asks for it. Each rule that is broken is named by the code and the id of its reply;
 * where several are, any of them is a right answer.
 */
import type { CertificateFacts, Claim, Secret, TokenFacts } from './rights-claims.ts'
import { listed, type Name, type Person, type World } from './rights-world.ts'

export type Moment = { readonly world: World; readonly now: number }

/** What the handshake has left: undefined, nobody asked for a certificate; else whether it was of an authority that counted then. */
export type Handshake = { readonly certificate: CertificateFacts | undefined; readonly isTrusted: boolean } | undefined
export type Session = {
  readonly handshake: Handshake
  readonly messages: number
}
export type Login = { readonly name: Name; readonly claim: Claim }
export type Mail = {
  /** Empty: the null reverse-path. */
  readonly reversePath: string
  readonly from: string
  readonly forwardPaths: readonly string[]
}

/** For clock skew between issuer and relay. */
const skewMs = 30_000

const rule = (isBroken: boolean, answer: string): readonly string[] => (isBroken ? [answer] : [])

/** The certificate that a session has shown, where that counts now. */
const trusted = ({ world, now }: Moment, handshake: Handshake): CertificateFacts | undefined => {
  const { certificate, isTrusted } = handshake ?? { certificate: undefined, isTrusted: false }
  const counts =
    isTrusted && world.asks !== 'nobody' && certificate && world.authorities.includes(certificate.authority)
  return counts && now <= certificate.until ? certificate : undefined
}

/** The fleet, and the networks that it takes clients from. */
export const ofClient = ({ world }: Moment): readonly string[] => [
  ...rule(world.suspended, '421 suspended'),
  ...rule(world.network === 'denied' || world.network === 'not allowed', '554 admission.networks'),
]

/** A listener that requires certificates. */
export function lacking(moment: Moment, handshake: Handshake): readonly string[] {
  if (moment.world.asks !== 'Required' || trusted(moment, handshake)) return []
  const wasGood = handshake === undefined || (handshake.certificate !== undefined && handshake.isTrusted)
  return [wasGood ? '421 always.clientCertificateEnded' : '554 listeners.clientCertificates']
}

const namedBy = ({ people }: World, { names }: CertificateFacts): readonly Name[] =>
  (Object.entries(people) as [Name, Person][]).flatMap(([name, { proof }]) =>
    proof.by === 'certificate' && proof.names.some((one) => names.includes(one)) ? [name] : [],
  )

export function mechanisms(moment: Moment, handshake: Handshake): readonly string[] {
  const { world } = moment
  const certificate = trusted(moment, handshake)
  const isNamed = certificate !== undefined && namedBy(world, certificate).length > 0
  return ['PLAIN', 'LOGIN', ...(world.issuer ? ['OAUTHBEARER'] : []), ...(isNamed ? ['EXTERNAL'] : [])]
}

/** What a secret that proves nothing hears: by itself, so that it does not tell whether there is such a name (case A21). */
function unproven({ issuer, people }: World, secret: Secret): string {
  if (!('token' in secret)) return '535 always.password'
  const isAskedFor = Object.values(people).some(({ proof }) => proof.by === 'token')
  const isUnknown = issuer === undefined ? isAskedFor : !issuer.includes(secret.token.key)
  return isUnknown ? '454 always.tokenKeys' : '535 always.password'
}

function ofToken({ world, now }: Moment, accounts: readonly string[], { account, until, isForUs, key }: TokenFacts) {
  if (!world.issuer?.includes(key) || !isForUs) return [unproven(world, { token: { account, until, isForUs, key } })]
  if (now >= until + skewMs) return ['535 always.token']
  return rule(!accounts.includes(account), '535 credential.serviceAccounts')
}

const keyCounts = (
  keys: readonly { readonly password: string; readonly until?: number }[],
  secret: Secret,
  now: number,
) =>
  'password' in secret &&
  keys.some(({ password, until }) => password === secret.password && (until === undefined || now < until))

/** Why a secret does not prove that who shows it is this person; none: it does. */
function ofSecret(moment: Moment, person: Person | undefined, secret: Secret, isBearer: boolean): readonly string[] {
  const { world, now } = moment
  if (person?.proof.by === 'token' && 'token' in secret) return ofToken(moment, person.proof.accounts, secret.token)
  if (person?.proof.by !== 'password') return [unproven(world, secret)]
  const { keys } = person.proof
  if (keys.length === 0 && !isBearer) return ['454 always.keys']
  return rule(isBearer || !keyCounts(keys, secret, now), unproven(world, secret))
}

/** What bars a person who has proven to be one. */
const bars = ({ now }: Moment, { suspended, until, isNear }: Person): readonly string[] => [
  ...rule(suspended, '535 credential.suspended'),
  ...rule(until !== undefined && now >= until, '535 credential.expiresAt'),
  ...rule(!isNear, '535 credential.networks'),
]

function ofCertificate(moment: Moment, handshake: Handshake, username: string): readonly string[] | Name {
  const certificate = trusted(moment, handshake)
  if (certificate === undefined) return ['535 always.clientCertificate']
  const meant = namedBy(moment.world, certificate).filter((name) => username === '' || name === username)
  const [only] = meant
  return only === undefined || meant.length > 1 ? ['535 credential.clientCertificate'] : only
}

const isName = (found: readonly string[] | Name): found is Name => typeof found === 'string'

/** As whom a claim logs in, or the rules by which it does not. */
export function judged(moment: Moment, handshake: Handshake, claim: Claim): Name | readonly string[] {
  const { people, issuer } = moment.world
  const found = ((): Name | readonly string[] => {
    switch (claim.by) {
      case 'XOAUTH2':
        return ['504 always.syntax']
      case 'EXTERNAL':
        return handshake === undefined ? ['504 always.syntax'] : ofCertificate(moment, handshake, claim.username)
      default: {
        if (claim.by === 'OAUTHBEARER' && issuer === undefined) return ['504 always.syntax']
        const person = people[claim.username as Name]
        const broken = ofSecret(moment, person, claim.secret, claim.by === 'OAUTHBEARER')
        return broken.length > 0 ? broken : (claim.username as Name)
      }
    }
  })()
  const person = isName(found) ? people[found] : undefined
  const barred = person === undefined ? [] : bars(moment, person)
  return barred.length > 0 ? barred : found
}

/** Of a session whose proof has ended: it is told to connect again where the client did nothing wrong. */
const ended: Readonly<Record<string, string>> = {
  '535 always.token': '421 always.tokenExpired',
  '535 always.clientCertificate': '421 always.clientCertificateEnded',
}

/** A certificate that is another person's by now is a login of a new connection, so that this one is told to end. */
function isAnothers(moment: Moment, handshake: Handshake): boolean {
  const owner = ofCertificate(moment, handshake, '')
  if (!isName(owner)) return false
  const person = moment.world.people[owner]
  return person !== undefined && bars(moment, person).length === 0
}

/** Whether a login of before still counts, which is asked at each stage: by what was shown then, and for the same person. */
export function stillIn(moment: Moment, handshake: Handshake, { name, claim }: Login): readonly string[] {
  const person = moment.world.people[name]
  const found = claim.by === 'EXTERNAL' ? ofCertificate(moment, handshake, name) : ofKnown(moment, person, claim)
  if (claim.by === 'EXTERNAL' && !isName(found) && isAnothers(moment, handshake)) {
    return ['421 always.clientCertificateEnded']
  }
  if (!isName(found) && found.length > 0) return found.map((one) => ended[one] ?? one)
  return person === undefined ? [] : bars(moment, person)
}

function ofKnown(
  moment: Moment,
  person: Person | undefined,
  claim: Exclude<Claim, { by: 'EXTERNAL' }>,
): readonly string[] {
  if (claim.by === 'XOAUTH2') return ['504 always.syntax']
  const { secret } = claim
  if (person?.proof.by === 'token' && 'token' in secret) {
    const issuer = moment.world.issuer ?? []
    return ofToken({ ...moment, world: { ...moment.world, issuer } }, person.proof.accounts, secret.token)
  }
  if (person?.proof.by !== 'password') return ['535 always.password']
  const isBearer = claim.by === 'OAUTHBEARER'
  if (person.proof.keys.length === 0 && !isBearer) return ['454 always.keys']
  return rule(isBearer || !keyCounts(person.proof.keys, secret, moment.now), '421 always.passwordEnded')
}

const partsOf = (address: string): readonly [string, string] => {
  const at = address.lastIndexOf('@')
  return [address.slice(0, at), address.slice(at + 1)]
}
export const domainOf = (address: string): string => partsOf(address)[1]
export const owns = ({ domains, localParts }: Person, address: string): boolean => {
  const [local, domain] = partsOf(address)
  return domains.includes(domain) && (localParts.length === 0 || localParts.includes(local))
}
const organization = (address: string): string => domainOf(address).split('.').slice(-2).join('.')

/** The reverse-path. */
export const ofMail = (
  { world }: Moment,
  person: Person,
  { reversePath }: Pick<Mail, 'reversePath'>,
): readonly string[] => [
  ...rule(reversePath === '' && !world.nullReversePath, '550 senderRules.nullReversePath'),
  ...rule(reversePath !== '' && !world.audits && !owns(person, reversePath), '550 senderRules.envelopeFrom'),
]

/** One forward-path, after so many others. */
export const ofRecipient = ({ world }: Moment, person: Person, path: string, others: number): readonly string[] => [
  ...rule(others >= world.recipientsPerMessage, '452 admission.limits.recipientsPerMessage'),
  ...rule(world.mode === 'AllowList' && !listed.includes(domainOf(path)), '550 recipients.allow'),
  ...rule(person.recipients.length > 0 && !person.recipients.includes(domainOf(path)), '550 credential.recipients'),
]

/** The visible From. */
function ofHeader({ world }: Moment, person: Person, { from, reversePath }: Mail): readonly string[] {
  const isAligned =
    reversePath === '' ||
    domainOf(from) === domainOf(reversePath) ||
    (world.alignment === 'Organizational' && organization(from) === organization(reversePath))
  return [
    ...rule(!world.audits && !owns(person, from), '550 senderRules.headerFrom'),
    ...rule(!world.audits && !isAligned, '550 senderRules.alignment'),
    ...rule(owns(person, from) && world.broken.includes(domainOf(from)), '451 senderDomain.whenBroken'),
  ]
}

/** All that a message has to have in the end, but for its size and what is counted. */
export function ofMessage(moment: Moment, session: Session, login: Login, mail: Mail): readonly string[] {
  const person = moment.world.people[login.name]
  const broken = [
    ...lacking(moment, session.handshake),
    ...ofClient(moment),
    ...stillIn(moment, session.handshake, login),
  ]
  if (person === undefined) return broken
  return [
    ...broken,
    ...ofMail(moment, person, mail),
    ...mail.forwardPaths.flatMap((path, i) => ofRecipient(moment, person, path, i)),
    ...ofHeader(moment, person, mail),
  ]
}
