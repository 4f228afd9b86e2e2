/** The binding Secret of a credential as a Kubernetes object. Pure, but for the password that it is given. */
import { bindingEntries } from '../../binding-secret.ts'
import { bindingType } from '../../compile/binding.ts'
import type { Binding } from '../../compile/compiled.ts'
import type { KubeObject } from '../api/object.ts'
import { base64, textIn } from '../api/secret-data.ts'
import { managedByLabel, type Owner } from '../write/ownership.ts'

/** All that makes up the binding Secret of a credential, but for the password. */
export type Owed = {
  readonly binding: Binding
  /** PEM: all that clients should trust. */
  readonly authority: string
  readonly owner: Owner
}

/**
 * On a Secret that was made anew after the one before was lost: the id of the key that was the newest then, as far as was
 * known.
 */
export const replacesAnnotation = 'relayfleet.dev/replaces-key'

export function bindingObject({ binding, authority, owner }: Owed, password: string, replaces?: string): KubeObject {
  const entries = Object.entries(bindingEntries(binding, password, authority))
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: binding.secretName,
      namespace: owner.namespace,
      labels: withoutOurs(binding.labels),
      annotations: {
        ...withoutOurs(binding.annotations),
        ...(replaces !== undefined && { [replacesAnnotation]: replaces }),
      },
    },
    type: bindingType,
    data: Object.fromEntries(entries.flatMap(([key, text]) => (text === undefined ? [] : [[key, base64(text)]]))),
  }
}

/**
 * A template sets labels and annotations for its application; those that say whose the Secret is are the operator's alone.
 */
const withoutOurs = (given: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(given).filter(([key]) => !isOurs(key)))

const isOurs = (key: string): boolean => key === managedByLabel || /^([^/]+\.)?relayfleet\.dev\//.test(key)

/** The values that no message may quote: all that hold the password, as text and in base64. */
export const confidences = (object: KubeObject): readonly string[] =>
  ['uri', 'password'].flatMap((key) => {
    const text = textIn(object, key)
    return text === undefined || text === '' ? [] : [text, base64(text)]
  })
