/** What counts a credential's mail: the throttles of its policy, in their order, and its own limits. Pure. */
import type { CredentialConfig, RelayConfig, ThrottleConfig } from '../config.ts'
import { type Counted, isLimited } from './limits.ts'

/** `Audit`: more than it gives passes, and is told. */
export type Count = { readonly counted: Counted; readonly action: ThrottleConfig['action'] }

/** A credential's own limits come last: what they have counted is not to be given back for a throttle. */
export const countsOf = ({ throttles = [] }: RelayConfig, credential: CredentialConfig): readonly Count[] => [
  ...throttles.map((throttle): Count => ({ counted: countedBy(throttle, credential), action: throttle.action })),
  ...(isLimited(credential) ? [{ counted: credential, action: 'Reject' } as const] : []),
]

const countedBy = ({ name, scope, rate, burst }: ThrottleConfig, credential: CredentialConfig): Counted => ({
  name: `${prefix}${name}:${subjectOf(scope, credential.name)}`,
  limits: { throttle: name, rate: { ...rate, burst }, warnAt: 100 },
})

/** No name of a credential begins so. */
const prefix = 'throttle:'
/** Whether this is counted by a throttle, and not by a credential's own limits. */
export const isThrottle = (name: string): boolean => name.startsWith(prefix)

/** `name` is namespace/name of the credential. */
function subjectOf(scope: ThrottleConfig['scope'], name: string): string {
  switch (scope) {
    case 'Credential':
      return name
    case 'Namespace':
      return name.slice(0, name.indexOf('/'))
  }
}
