/** Finds, in a state folder, the fleet that accepts a credential, and the credential's binding Secret. */
import { didYouMean } from '../../crds/did-you-mean.ts'
import { isOf, type Name, nameIn, namespaceOf } from '../compile/snapshot.ts'
import { type BindingSecret, readBindingSecret } from './binding-secret.ts'
import { configOnDisk } from './facts.ts'
import { foldersIn, type State } from './state.ts'
import { readStatuses } from './status-file.ts'

export type BoundCredential = { readonly policy: Name; readonly secret: BindingSecret }

/** @throws Error that tells a person why this credential can not be used yet. */
export function boundCredential(state: State, name: Name): BoundCredential {
  for (const policy of state.fleets()) {
    const config = configOnDisk(state, policy)
    if (config === undefined || config === 'unreadable') continue
    const found = config.credentials.find((c) => c.name === name)
    if (found?.serviceAccounts !== undefined) {
      throw new Error(`RelayCredential ${name} is of type ServiceAccountToken; such tokens exist only in a cluster`)
    }
    if (found?.certificate !== undefined) {
      throw new Error(
        `RelayCredential ${name} is of type ClientCertificate, and only its application has the certificate and the key; submit with relayfleet submit --cert and --key`,
      )
    }
    if (found !== undefined) return { policy, secret: secretOf(state, name, found.username) }
  }
  const near = misspelt(state, name)
  if (near !== undefined) throw new Error(`there is no RelayCredential ${name} in ${state.root}; did you mean ${near}?`)
  throw new Error(
    `no fleet in ${state.root} knows RelayCredential ${name}; is relayfleet local running with this folder? ` +
      `${state.statusFile} tells how the credential stands`,
  )
}

/** The name that was meant, if this one is not declared at all; undefined where it is declared, or no other is similar. */
function misspelt(state: State, name: Name): string | undefined {
  const declared = [...readStatuses(state.statusFile).keys()].filter((ref) => isOf(ref, 'RelayCredential')).map(nameIn)
  return declared.includes(name) ? undefined : didYouMean(name, declared)
}

function secretOf(state: State, name: Name, username: string): BindingSecret {
  const namespace = namespaceOf(name)
  const secrets = foldersIn(state.secrets(namespace)).map((secret) =>
    readBindingSecret(state.secret(namespace, secret)),
  )
  const found = secrets.find((s) => s?.username === username)
  if (found !== undefined) return found
  throw new Error(
    `${state.secrets(namespace)} has no complete Secret of RelayCredential ${name}; start relayfleet local, which writes it`,
  )
}
