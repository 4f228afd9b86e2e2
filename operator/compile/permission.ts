/**
 * Permission: the policy admits the namespace, the domain admits the namespace, and the environments are equal; the credential
 * can only narrow that. Where one of these is in doubt, what was permitted before stays, and nothing new is permitted.
 */
import type { CredentialConfig } from '../../relay/config.ts'
import { type Consent, consent } from './consent.ts'
import { type Answer, askDomain, type Domains } from './domain.ts'
import type { Known } from './known.ts'
import { packed } from './packed.ts'
import type { Name } from './snapshot.ts'
import type { Wish } from './wish.ts'

export type Permission = {
  readonly admission: Consent
  /** The answer of each domain that the credential names, in that order. */
  readonly answers: ReadonlyMap<Name, Answer>
  /** The credential as the relays get it; absent: they do not get it. */
  readonly entry?: CredentialConfig
}

/**
 * What the policy says. Where it is in doubt, the environment is taken from the running configuration, as it can never change.
 */
function fleetFacts(fleet: Name, namespace: string, { snapshot, policy }: Known) {
  const found = policy(fleet)
  if (found.is === 'there') {
    const { spec, namespace: owner } = found.object
    const admission = consent(spec.admission.credentials.namespaces, owner, namespace, snapshot)
    return { admission, environment: spec.environment }
  }
  const admission: Consent = found.is === 'doubtful' ? 'unknown' : 'no'
  return { admission, environment: snapshot.running.get(fleet)?.environment }
}

export function permit(wish: Wish, fleet: Name, domains: Domains): Permission {
  const { admission, environment } = fleetFacts(fleet, wish.namespace, domains.known)
  const before = domains.known.before(fleet, wish.name)
  const asking = { namespace: wish.namespace, policy: fleet, environment, before: before?.senders ?? [] }
  const answers = new Map(wish.domains.map((name) => [name, askDomain(name, asking, domains)]))
  const senders = packed([...answers.values()].flatMap((a) => ('senders' in a ? a.senders : [])))
  const permitted = admission === 'yes' || (admission === 'unknown' && before !== undefined)
  return { admission, answers, ...(permitted && senders.length > 0 ? { entry: wish.entry(senders) } : {}) }
}
