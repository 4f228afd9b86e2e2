/** Why a fleet is not as it was compiled, and what to do about it, in words for a person at three in the morning. Pure. */
import { ApiError } from '../api/api-error.ts'
import type { Applied } from '../write/apply.ts'
import { briefly, mendOf, whyOf } from '../write/refused.ts'

/** Undefined where it is as it should be. */
export function appliedTrouble(applied: Applied): string | undefined {
  switch (applied.kind) {
    case 'unchanged':
    case 'applied':
      return undefined
    case 'foreign':
      return applied.lost === undefined ? foreignTrouble(applied.what) : lostTrouble(applied.what, applied.lost)
    case 'leaving':
      return leavingTrouble(applied.what)
    case 'contested': {
      const others = applied.managers.join(', ')
      return `${applied.what}: ${applied.fields.join(', ')} is also applied by ${others}, and nobody is overwritten; take it out of what ${others} applies`
    }
  }
}

export const foreignTrouble = (what: string): string =>
  `there is a ${what} that is not this fleet's, and it is left as it is; rename or delete it, or give the policy another name`

const lostTrouble = (what: string, labels: readonly string[]): string =>
  `${what} has lost its label ${labels.join(' and ')}, and is left as it is without it; put it on again`

export const leavingTrouble = (what: string): string =>
  `${what} is still being deleted; if that takes long, look at its finalizers and at the garbage collector`

/** What to do about errors that only the objects of a fleet can have; `mendOf` has the others. */
const mends: readonly (readonly [when: RegExp, mend: string])[] = [
  [/violates PodSecurity/, 'let the namespace admit what Pod Security calls restricted'],
  [
    // Without --cascade=orphan the pods would go with it; and without new claims, the volumes would be as small as before.
    /volumeClaimTemplates|updates to statefulset spec/,
    'set spec.queue.storage.size back; or give the claims data-<pod> that size by hand, and delete the StatefulSet with ' +
      '--cascade=orphan, which leaves its pods: it is made anew around them',
  ],
  [
    // A kubelet caches an immutable Secret until the last pod on its node that has it is gone: where pods go one by one, the
    // cache stays.
    /immutable when `immutable` is set/,
    'delete the Secret, and then the StatefulSet with --cascade=foreground, since a kubelet goes on with an immutable one ' +
      'while a pod on its node has it: both are made anew, and mail stays on the volumes',
  ],
  [
    /a relay's pod has no/,
    'somebody added that to the pods of the StatefulSet: take it out, or delete the StatefulSet with --cascade=orphan, which ' +
      'leaves its pods: it is made anew around them',
  ],
  [
    /the operator changes its own finalizer/,
    'an admission webhook or a MutatingAdmissionPolicy changes more of the RelayPolicy, as its labels, while that is written: ' +
      "find it, and have it leave what the operator's account writes alone",
  ],
  [/is immutable/, 'delete the object, and it is made anew as it should be'],
]

/** The message for an error, with what to do about it. `doing`: what was tried, with the kind and the name of the object. */
export function errorTrouble(doing: string, error: unknown): string {
  const said = whyOf(error)
  const mend = mends.find(([when]) => when.test(said))?.[1] ?? mendOf(said) ?? ordinaryMend(error)
  return `${doing}: ${briefly(said)}${mend === '' ? '' : `; ${mend}`}`
}

const ordinaryMend = (error: unknown): string => (error instanceof ApiError ? 'it is tried again' : '')

/** Whether it was refused since the namespace is being deleted: then nothing can be made there, and nothing needs to be. */
export const isNamespaceLeaving = (error: unknown): boolean =>
  error instanceof ApiError && error.code === 403 && /is being terminated/.test(error.message)
