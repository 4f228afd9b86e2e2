/** Reads a credential of a cluster and its binding Secret, with the person's own rights. */
import { isNotFound } from '../cluster/api/api-error.ts'
import { resources } from '../cluster/api/resource.ts'
import { textIn } from '../cluster/api/secret-data.ts'
import type { Condition } from '../compile/compiled.ts'
import { type Name, referred, splitName } from '../compile/snapshot.ts'
import type { BindingSecret } from '../local/binding-secret.ts'
import { objectOf } from './cluster-object.ts'
import type { Cluster } from './cluster-options.ts'
import { readyOf } from './overview.ts'

type CredentialObject = {
  readonly spec: {
    readonly type?: string
    readonly policyRef: { readonly name: string; readonly namespace?: string }
  }
  readonly status?: { readonly binding?: { readonly name: string }; readonly conditions?: readonly Condition[] }
}

/** How to send a test message without a Secret. */
const instead = (type: string): string =>
  type === 'ClientCertificate'
    ? 'run relayfleet submit --cert FILE --key FILE where its ConfigMap is mounted'
    : 'run relayfleet submit in a pod of its application'

/**
 * Its policy and the name of its Secret. @throws UsageError where it does not exist; Error in words for a person, e.g. where it
 * has no Secret.
 */
export async function credentialOf(cluster: Cluster, name: Name, signal: AbortSignal) {
  const object = await objectOf(cluster, { kind: 'RelayCredential', name }, signal)
  const { spec, status } = object as unknown as CredentialObject
  const policy = referred(spec.policyRef, splitName(name))
  if (status?.binding !== undefined) return { policy, secretName: status.binding.name }
  if (spec.type !== undefined && spec.type !== 'Password') {
    throw new Error(
      `RelayCredential ${name} is of type ${spec.type} and has no Secret to submit with; ${instead(spec.type)}, or ask ` +
        'relayfleet explain',
    )
  }
  const { reason, message } = readyOf(status?.conditions)
  throw new Error(`RelayCredential ${name} has no binding Secret yet: ${message} (${reason})`)
}

/** @throws ApiError; Error where the Secret is gone or incomplete. */
export async function bindingOf(
  { api }: Cluster,
  credential: Name,
  name: string,
  signal: AbortSignal,
): Promise<BindingSecret> {
  const { namespace } = splitName(credential)
  const object = await api.get(resources.secrets, { namespace, name }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
    throw new Error(
      `Secret ${namespace}/${name} of RelayCredential ${credential} is gone; the operator makes a new one in a moment, so try again`,
    )
  })
  const value = (key: string): string => textIn(object, key) ?? ''
  const [host, port, username, password, uri] = ['host', 'port', 'username', 'password', 'uri'].map(value)
  if (!host || !port || !username || !password || !uri) {
    throw new Error(`Secret ${namespace}/${name} is incomplete; the operator repairs it in a moment, so try again`)
  }
  const certificates = value('certificates')
  return { host, port: Number(port), username, password, uri, ...(certificates !== '' && { certificates }) }
}
