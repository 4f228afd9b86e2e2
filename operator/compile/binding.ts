/** The binding Secret that an application gets: where to submit and as whom; the password is the Sink's to make. */
import { durationMs } from '../../crds/duration.ts'
import { objectName } from '../../crds/fields.ts'
import type { Rotation } from '../lifecycle/keys.ts'
import type { Binding } from './compiled.ts'
import { clientHost, clientPort } from './listener.ts'
import { type Credential, type Invalid, nameOf, type Place, type Policy } from './snapshot.ts'
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

/** The first listener is the one that applications are sent to. */
export function bindingOf(credential: Credential, policy: Policy, place: Place): Binding | undefined {
  const [listener] = policy.spec.listeners
  if (listener === undefined) return undefined
  const { labels = {}, annotations = {} } = credential.spec.secretTemplate
  return {
    secretName: secretNameOf(credential),
    labels,
    annotations,
    username: usernameOf(nameOf(credential)),
    host: clientHost(place, policy),
    port: clientPort(place, listener.port),
    scheme: schemes[listener.tls.mode],
    issuedByOperator: listener.tls.certificateRef === undefined,
    fleet: nameOf(policy),
    rotation: rotationOf(credential.spec.rotation),
  }
}

const rotationOf = ({ every, overlap, trigger = '' }: Credential['spec']['rotation']): Rotation => ({
  ...(every === undefined ? {} : { everyMs: durationMs(every) }),
  overlapMs: durationMs(overlap),
  trigger,
})
