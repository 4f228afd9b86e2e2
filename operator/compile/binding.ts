/** The binding that an application gets: where to submit, and as whom. Its password is made by the Sink, never here. */
import { durationMs } from '../../crds/duration.ts'
import { objectName } from '../../crds/fields.ts'
import type { Rotation } from '../lifecycle/keys.ts'
import { takes } from './client-certificate.ts'
import type { Binding, Door, Guide } from './compiled.ts'
import { clientHost, clientPort } from './listener.ts'
import { fitting } from './secret-template.ts'
import { type Credential, type Invalid, nameOf, type Place, type Policy } from './snapshot.ts'
import { suffixedName } from './suffixed-name.ts'
import { usernameOf } from './wish.ts'

/** The type of a Secret that the operator wrote (Service Binding). */
export const bindingType = 'servicebinding.io/smtp'

export const secretNameOf = (credential: Credential): string => credential.spec.secretTemplate.name ?? credential.name

/** The name of an invalid credential's Secret: what it asks for if that is a valid name, else the credential's own name. */
export function secretNameAsWritten({ name, spec }: Invalid): string {
  const { secretTemplate } = (spec ?? {}) as { readonly secretTemplate?: { readonly name?: unknown } | null }
  const given = secretTemplate?.name
  const isName = typeof given === 'string' && given.length <= objectName.maxLength && nameForm.test(given)
  return isName ? given : name
}

const nameForm = new RegExp(objectName.pattern)

const schemes = { StartTLS: 'smtp', Implicit: 'smtps' } as const

/**
 * Whether the operator makes a password for the credential, and so a Secret; else the application has a token or a certificate.
 */
export const hasSecret = ({ spec }: Credential): boolean => spec.type === 'Password'

export function bindingOf(credential: Credential, policy: Policy, place: Place): Binding | undefined {
  const door = doorOf(credential, policy, place)
  if (door === undefined || !hasSecret(credential)) return undefined
  return {
    secretName: secretNameOf(credential),
    labels: fitting(credential, 'labels'),
    annotations: fitting(credential, 'annotations'),
    ...door,
    fleet: nameOf(policy),
    rotation: rotationOf(credential.spec.rotation),
  }
}

/** With a suffix, because an application may well have a ConfigMap of its own under the plain name. */
export const configMapNameOf = ({ name }: { readonly name: string }): string => suffixedName(name, '-smtp')

export function guideOf(credential: Credential, policy: Policy, place: Place): Guide | undefined {
  const door = doorOf(credential, policy, place)
  if (door === undefined || hasSecret(credential)) return undefined
  return { configMapName: configMapNameOf(credential), ...door }
}

/** Applications are sent to the first listener that accepts their way to log in. */
function doorOf(credential: Credential, policy: Policy, place: Place): Door | undefined {
  const { listeners } = policy.spec
  const listener = listeners.find(takes(credential)) ?? listeners[0]
  if (listener === undefined) return undefined
  return {
    username: usernameOf(nameOf(credential)),
    host: clientHost(place, policy),
    port: clientPort(place, listener.port),
    scheme: schemes[listener.tls.mode],
    issuedByOperator: listener.tls.certificateRef === undefined,
  }
}

const rotationOf = ({ every, overlap, trigger = '' }: Credential['spec']['rotation']): Rotation => ({
  ...(every === undefined ? {} : { everyMs: durationMs(every) }),
  overlapMs: durationMs(overlap),
  trigger,
})
