/** What a credential's mail is counted by: the throttles of its policy, in their order, then its own limits. Pure. */
import type { CredentialConfig, RelayConfig, ThrottleConfig } from '../config.ts'
import { type Counted, isLimited } from './limits.ts'

/** `Audit`: what it would refuse passes, and is logged. */
export type Count = { readonly counted: Counted; readonly action: ThrottleConfig['action'] }

/** The sender domain that the From belongs to; empty where it belongs to none: all such mail is counted together. */
export type From = { readonly senderDomain: string }

/**
 * A credential's own limits come last, so that nothing has to be given back to them where a throttle refuses. `from` is undefined
 * while the header is not known: throttles that count by the From's domain are left out then.
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

/** Tells a throttle's counts from a credential's: no credential's name (namespace/name) has a colon. */
const prefix = 'throttle:'
/** Whether this is counted by a throttle, and not by a credential's own limits. */
export const isThrottle = (name: string): boolean => name.startsWith(prefix)

/** The part of a count's name that one scope gives; undefined: it is not known yet. `name`: the credential's namespace/name. */
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
