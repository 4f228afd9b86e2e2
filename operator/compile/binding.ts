/** The binding Secret that an application gets: where to submit and as whom; the password is the Sink's to make. */
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

/** The Secret of a credential with an error, as far as it says which one. */
export function secretNameAsWritten({ name, spec }: Invalid): string {
  const { secretTemplate } = (spec ?? {}) as { readonly secretTemplate?: { readonly name?: unknown } | null }
  const given = secretTemplate?.name
  const isName = typeof given === 'string' && given.length <= objectName.maxLength && nameForm.test(given)
  return isName ? given : name
}

const nameForm = new RegExp(objectName.pattern)

const schemes = { StartTLS: 'smtp', Implicit: 'smtps' } as const

/** Whether it is the operator that makes what an application logs in by. */
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

/** Applications have ConfigMaps of their own by the plain name. */
export const configMapNameOf = ({ name }: { readonly name: string }): string => suffixedName(name, '-smtp')

export function guideOf(credential: Credential, policy: Policy, place: Place): Guide | undefined {
  const door = doorOf(credential, policy, place)
  if (door === undefined || hasSecret(credential)) return undefined
  return { configMapName: configMapNameOf(credential), ...door }
}

/** Applications are sent to the first listener that takes what they log in by. */
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
