/** What a credential asks of a fleet: by its spec, or, where that is invalid or unread, what it had there before. */
import { durationMs } from '../../crds/duration.ts'
import type { CredentialConfig, LimitsConfig, SenderConfig } from '../../relay/config.ts'
import { hasKeys, type ProofConfig } from '../../relay/rules/proof.ts'
import type { Key } from '../lifecycle/keys.ts'
import { certificateOf } from './client-certificate.ts'
import { type BindingKeys, type Credential, type Name, nameOf, namespaceOf, referred, splitName } from './snapshot.ts'

export type Wish = {
  readonly name: Name
  readonly namespace: string
  /** The SenderDomains, in the order of the references, each once. */
  readonly domains: readonly Name[]
  /** Makes its entry in the fleet's configuration, with the senders that the domains granted. */
  readonly entry: (senders: readonly SenderConfig[]) => CredentialConfig
}

/** `<name>.<namespace>`. It is unambiguous, because a namespace has no dot: the last dot divides the two. */
export const usernameOf = (whole: Name): string => {
  const { namespace, name } = splitName(whole)
  return `${name}.${namespace}`
}

export function wishOf(credential: Credential, keys: BindingKeys | undefined): Wish {
  const { senderDomainRefs, identities, networks, recipients, limits, suspended, expiresAt } = credential.spec
  const name = nameOf(credential)
  return {
    name,
    namespace: credential.namespace,
    domains: [...new Set(senderDomainRefs.map((ref) => referred(ref, credential)))],
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

/** Never below 0: a relay would refuse a configuration with a negative time, and that would hold up all other credentials. */
const momentOf = (time: string): number => Math.max(0, Date.parse(time))

/** What the credential proves itself with at a login. */
function proofOf({ namespace, spec }: Credential, keys: BindingKeys | undefined): ProofConfig {
  switch (spec.type) {
    case 'Password':
      return { keys: (keys?.keys ?? []).map(keyConfig) }
    case 'ServiceAccountToken':
      return { keys: [], serviceAccounts: spec.serviceAccounts.map((a) => `${namespace}/${a.name}`) }
    case 'ClientCertificate':
      return { keys: [], ...certificateOf(spec.clientCertificate) }
  }
}

/** Without the key's state, which means nothing to a relay: so a rotation changes the configuration as little as possible. */
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

/** What a credential had in a fleet, with its present keys, so that a revoked key is gone here too. */
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
