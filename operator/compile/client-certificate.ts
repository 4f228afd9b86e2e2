/** Client certificates: which names log a credential in, at which listeners; a name belongs to only one credential of a fleet. */
import type { RelayCredentialSpec } from '../../crds/relay-credential.ts'
import type { CredentialConfig, RelayConfig } from '../../relay/config.ts'
import type { Finding } from './compiled.ts'
import { type Claim, settle } from './conflict.ts'
import { findings } from './findings.ts'
import type { Known } from './known.ts'
import type { Listener } from './listener.ts'
import { oldestFirst } from './order.ts'
import { caFileOf } from './relay-files.ts'
import { type Credential, type Name, nameOf, type Policy } from './snapshot.ts'

type Certificate = NonNullable<CredentialConfig['certificate']>

export function certificateOf(spec: RelayCredentialSpec['clientCertificate']): Pick<CredentialConfig, 'certificate'> {
  if (spec === undefined) return {}
  const { uris, dnsNames, emailAddresses } = spec.subjectAltNames
  const names = [
    ...uris.map((n) => `URI:${n}`),
    ...dnsNames.map((n) => `DNS:${n}`),
    ...emailAddresses.map((n) => `email:${n}`),
  ]
  return { certificate: { caFile: caFileOf(spec.caRef), names: [...new Set(names)] } }
}

/** Whether a credential may log in at a listener. */
export const takes =
  ({ spec }: Credential) =>
  ({ clientCertificates: asks }: Listener): boolean =>
    spec.type === 'ClientCertificate'
      ? asks !== undefined && asks.caRef.name === spec.clientCertificate?.caRef.name
      : asks?.mode !== 'Required'

/**
 * Where no listener accepts the credential's way to log in: a certificate for which no listener asks is useless, and with a
 * password alone nobody gets in where every listener requires a certificate as well.
 */
export function listenerFindings(credential: Credential, policy: Policy): readonly Finding[] {
  const { type, clientCertificate } = credential.spec
  const { listeners } = policy.spec
  if (listeners.some(takes(credential))) return []
  if (type === 'ClientCertificate') {
    const finding = findings.certificateNotAsked(nameOf(policy), clientCertificate?.caRef.name ?? '')
    return [finding('spec.clientCertificate.caRef')]
  }
  const authorities = listeners.flatMap(({ clientCertificates: asks }) => asks?.caRef.name ?? [])
  return [findings.certificateRequiredToo(nameOf(policy), [...new Set(authorities)])('spec.type')]
}

const claimsOf = (owner: Name, fleet: Name, certificate: Certificate | undefined): readonly Claim[] =>
  (certificate?.names ?? []).map((name) => ({ owner, thing: `${fleet} ${certificate?.caFile} ${name}` }))

/** A credential that may log in to its fleet, unless another one has a name of its certificate. */
export type Claimant = { readonly credential: Credential; readonly fleet: Name }

const claimsOfSpec = ({ credential, fleet }: Claimant): readonly Claim[] =>
  claimsOf(nameOf(credential), fleet, certificateOf(credential.spec.clientCertificate).certificate)

const claimsOfRunning = (fleet: Name, { credentials }: RelayConfig, { stands, credential }: Known): readonly Claim[] =>
  credentials
    .filter((c) => c.certificate !== undefined && stands(credential(c.name as Name)))
    .flatMap((c) => claimsOf(c.name as Name, fleet, c.certificate))

/** Finds the names of a credential's certificate that belong to another credential. */
export type NameRivals = (claimant: Claimant) => readonly Finding[]

/** `claimants` are only credentials that are admitted: one that may not log in anywhere must not keep a name from others. */
export function settleNames(claimants: readonly Claimant[], known: Known): NameRivals {
  const standing = [...known.snapshot.running].flatMap(([fleet, config]) => claimsOfRunning(fleet, config, known))
  const rival = settle([...standing, ...oldestFirst(claimants, (c) => c.credential).flatMap(claimsOfSpec)])
  return (claimant) => {
    if (claimant.credential.spec.clientCertificate === undefined) return none
    return claimsOfSpec(claimant).flatMap((claim) => {
      const winner = rival(claim)
      const name = claim.thing.split(' ')[2] ?? ''
      return winner === undefined
        ? []
        : [findings.certificateNameConflicted(name, winner)('spec.clientCertificate.subjectAltNames')]
    })
  }
}

const none: readonly Finding[] = []
