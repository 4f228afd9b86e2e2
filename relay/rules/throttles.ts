/** What counts a credential's mail: the throttles of its policy, in their order, and its own limits. Pure. */
import type { CredentialConfig, RelayConfig, ThrottleConfig } from '../config.ts'
import { type Counted, isLimited } from './limits.ts'

/** `Audit`: more than it gives passes, and is told. */
export type Count = { readonly counted: Counted; readonly action: ThrottleConfig['action'] }

/** Whose the From is: the domain of one of the credential's senders; empty where it is nobody's, and all of that is one. */
export type From = { readonly senderDomain: string }

/**
 * A credential's own limits come last: what they have counted is not to be given back for a throttle. Without a `from` the
 * header is not known yet, and what counts by it is left out.
 */
export const countsOf = (
  { throttles = [] }: RelayConfig,
  credential: CredentialConfig,
  from: From | undefined,
): readonly Count[] => {
  const own: readonly Count[] = isLimited(credential) ? [{ counted: credential, action: 'Reject' }] : none
  if (throttles.length === 0) return own
  return [...throttles.flatMap((throttle) => countBy(throttle, credential, from)), ...own]
}
const none: readonly Count[] = []

function countBy(throttle: ThrottleConfig, { name: credential }: CredentialConfig, from: From | undefined) {
  const { name, scope, rate, burst, action } = throttle
  const subjects = scope.map((one) => subjectOf(one, credential, from))
  if (subjects.includes(undefined)) return []
  const limits = { throttle: name, rate: { ...rate, burst }, warnAt: 100 }
  return [{ counted: { name: `${prefix}${name}:${subjects.join(':')}`, limits }, action }]
}

/** No name of a credential begins so. */
const prefix = 'throttle:'
/** Whether this is counted by a throttle, and not by a credential's own limits. */
export const isThrottle = (name: string): boolean => name.startsWith(prefix)

/** `name` is namespace/name of the credential. */
function subjectOf(scope: ThrottleConfig['scope'][number], name: string, from: From | undefined): string | undefined {
  switch (scope) {
    case 'Credential':
      return name
    case 'Namespace':
      return name.slice(0, name.indexOf('/'))
    case 'SenderDomain':
      return from?.senderDomain
  }
}
