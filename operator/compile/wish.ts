/** What a credential wishes from a fleet: by its spec, or, where that has an error, what it had there before. */
import { durationMs } from '../../crds/duration.ts'
import type { CredentialConfig, LimitsConfig, SenderConfig } from '../../relay/config.ts'
import { hasKeys } from '../../relay/rules/proof.ts'
import type { Key } from '../lifecycle/keys.ts'
import { certificateOf } from './client-certificate.ts'
import { type BindingKeys, type Credential, type Name, nameOf, namespaceOf, splitName } from './snapshot.ts'

export type Wish = {
  readonly name: Name
  readonly namespace: string
  /** The SenderDomains, in the order of the references, each once. */
  readonly domains: readonly Name[]
  /** Its entry with the senders that the domains give it. */
  readonly entry: (senders: readonly SenderConfig[]) => CredentialConfig
}

/** `<name>.<namespace>`: a namespace has no dot, so the last one divides them. */
export const usernameOf = (whole: Name): string => {
  const { namespace, name } = splitName(whole)
  return `${name}.${namespace}`
}

export const domainName = (credential: Credential, index: number): Name => {
  const ref = credential.spec.senderDomainRefs[index]
  return `${ref?.namespace ?? credential.namespace}/${ref?.name ?? ''}`
}

export function wishOf(credential: Credential, keys: BindingKeys | undefined): Wish {
  const { senderDomainRefs, identities, networks, recipients, limits, suspended, expiresAt } = credential.spec
  const name = nameOf(credential)
  return {
    name,
    namespace: credential.namespace,
    domains: [...new Set(senderDomainRefs.map((_, i) => domainName(credential, i)))],
    entry: (senders) => ({
      name,
      username: usernameOf(name),
      ...proofOf(credential, keys),
      senders,
      addresses: identities.addresses,
      networks: networks.allow,
      recipientDomains: recipients.domains,
      ...(limits === undefined ? {} : { limits: limitsOf(limits) }),
      suspended,
      ...(expiresAt === undefined ? {} : { expiresAt: momentOf(expiresAt) }),
    }),
  }
}

/** What ends before 1970 is over, and a relay takes no number below nought: nobody else's rights are to wait for that. */
const momentOf = (time: string): number => Math.max(0, Date.parse(time))

/** What it logs in by. */
function proofOf(
  { namespace, spec }: Credential,
  keys: BindingKeys | undefined,
): Pick<CredentialConfig, 'keys' | 'serviceAccounts' | 'certificate'> {
  switch (spec.type) {
    case 'Password':
      return { keys: (keys?.keys ?? []).map(keyConfig) }
    case 'ServiceAccountToken':
      return { keys: [], serviceAccounts: spec.serviceAccounts.map((a) => `${namespace}/${a.name}`) }
    case 'ClientCertificate':
      return { keys: [], ...certificateOf(spec.clientCertificate) }
  }
}

/** Which one is the newest is nothing to a relay: while they follow each other, its configuration changes as little as can be. */
const keyConfig = ({ id, verifier, expiresAt }: Key): CredentialConfig['keys'][number] => ({
  id,
  verifier,
  ...(expiresAt === undefined ? {} : { notAfter: momentOf(expiresAt) }),
})

const limitsOf = ({ daily, rate, warnAt }: NonNullable<Credential['spec']['limits']>): LimitsConfig => ({
  ...(daily === undefined ? {} : { daily }),
  ...(rate === undefined ? {} : { rate: { count: rate.count, perMs: durationMs(rate.per) } }),
  warnAt,
})

/** What it had in a fleet; a key that was taken away is gone here too. */
export function wishAsBefore(before: CredentialConfig, keys: BindingKeys | undefined): Wish {
  const name = before.name as Name
  return {
    name,
    namespace: namespaceOf(name),
    domains: [...new Set(before.senders.map((s) => s.senderDomain as Name))],
    entry: (senders) => ({
      ...before,
      keys: hasKeys(before) ? (keys?.keys.map(keyConfig) ?? before.keys) : before.keys,
      senders,
    }),
  }
}
