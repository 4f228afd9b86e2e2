/** The Secret in which the operator keeps the keys that it makes for a domain: understood wholly, or left alone. */
import { suffixedName } from '../../compile/suffixed-name.ts'
import { type HeldPem, ownKeysIn } from '../../lifecycle/own-keys.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { base64, textsIn } from '../api/secret-data.ts'
import { applyNew, applyObject, type Writing } from '../write/apply.ts'
import { look } from '../write/look.ts'
import { belongingOf, type Owner } from '../write/ownership.ts'
import { removeSeen } from '../write/prune.ts'

export type OwnSecret =
  /** `before` is the Secret as it was seen; absent where there is none. */
  | { readonly is: 'whole'; readonly keys: readonly HeldPem[]; readonly before?: KubeObject }
  | { readonly is: 'damaged'; readonly why: string }
  | { readonly is: 'foreign' }
  /** It is being deleted; a new one comes after it. */
  | { readonly is: 'leaving' }

/** The name of the Secret, which is in the namespace of the SenderDomain. */
export const ownSecretName = (senderDomain: string): string => suffixedName(senderDomain, '-dkim')

/** @throws ApiError for trouble that passes */
export async function ownSecret(
  domain: string,
  name: string,
  owner: Owner,
  { api, signal }: Writing,
): Promise<OwnSecret> {
  const seen = await look(api, resources.secrets, { namespace: owner.namespace, name }, signal)
  if (seen.is === 'absent') return { is: 'whole', keys: [] }
  const belonging = seen.is === 'there' ? belongingOf(seen.object, owner) : 'foreign'
  if (seen.is === 'foreign' || belonging === 'foreign') return { is: 'foreign' }
  if (belonging === 'leaving') return { is: 'leaving' }
  const read = ownKeysIn(domain, textsIn(seen.object))
  return read.is === 'damaged' ? read : { is: 'whole', keys: read.keys, before: seen.object }
}

/**
 * Writes the keys over the Secret that was looked at; removes it where there is no key.
 * @throws ApiError, a conflict where it is no longer what it was; Error where others claim it; Deposed
 */
export async function writeOwnSecret(
  name: string,
  owner: Owner,
  keys: readonly HeldPem[],
  before: KubeObject | undefined,
  writing: Writing,
): Promise<OwnSecret> {
  if (keys.length === 0) {
    if (before !== undefined) await removeSeen(before, writing)
    return { is: 'whole', keys }
  }
  const object = secretOf(name, owner, keys)
  if (before === undefined) return { is: 'whole', keys, before: await applyNew(object, owner, writing) }
  const applied = await applyObject(object, before, owner, writing, { onlyObserved: true })
  switch (applied.kind) {
    case 'applied':
    case 'unchanged':
      return { is: 'whole', keys, before: applied.object }
    case 'foreign':
    case 'leaving':
      return { is: applied.kind }
    case 'contested':
      throw new Error(`${applied.what}: ${applied.managers.join(', ')} applies ${applied.fields.join(', ')} too`)
  }
}

const secretOf = (name: string, { namespace }: Owner, keys: readonly HeldPem[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  type: 'Opaque',
  data: Object.fromEntries(keys.map(({ selector, pem }) => [`${selector}.pem`, base64(pem)])),
})
