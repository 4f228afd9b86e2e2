/** The conditions of a status as they are written: Ready is derived from the others, and the times are stamped last. */
import { longestMessage } from '../crds/fields.ts'
import type { Condition } from './compile/compiled.ts'
import { notSigned } from './compile/not-signed.ts'

/** A condition in a status. */
export type Stamped = Condition & { readonly observedGeneration: number; readonly lastTransitionTime: string }

/** What keeps an object from being ready, in the order in which a person should look at it. */
const needed = ['Accepted', 'ResolvedRefs', 'Programmed', 'SPFValid', 'DKIMValid', 'DMARCValid']
/** Reasons that keep an object from being ready in any condition. A certificate that merely expires soon is not among them. */
const fatal = ['CertificateExpired', 'CertificateNotYetValid']
/**
 * A False that the owner may have chosen: it is shown, but does not count against Ready, as everything that was asked for
 * happens.
 */
const chosen = (c: Condition): boolean => c.reason === notSigned
/** The verdict is still to come. */
const open = (c: Condition): boolean => c.status === 'Unknown' && c.reason === 'Pending'
/** In conditions of these types, True is bad news. */
const negative = ['Suspended', 'Expired']

/** Ready is False because of the first condition that is against it, else Unknown while one is still open, else True. */
export function deriveReady(found: readonly Condition[]): Condition {
  const relevant = [
    ...needed.flatMap((type) => found.filter((c) => c.type === type && !chosen(c))),
    ...found.filter((c) => fatal.includes(c.reason) || open(c)),
    ...found.filter((c) => negative.includes(c.type) && c.status !== 'False').map(turned),
  ]
  const against = relevant.find((c) => c.status === 'False') ?? relevant.find((c) => c.status === 'Unknown')
  if (against === undefined)
    return { type: 'Ready', status: 'True', reason: 'Ready', message: 'everything is in order' }
  return { type: 'Ready', status: against.status, reason: against.reason, message: against.message }
}

const turned = (c: Condition): Condition => ({ ...c, status: c.status === 'True' ? 'False' : 'Unknown' })

/**
 * A message may quote what name servers show, of any length, and the API server would refuse the whole status for a longer one.
 */
const bounded = (message: string): string =>
  message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message

/**
 * The conditions to write. `found` is everything that is known now, without Ready: a condition that is not in it is removed.
 * lastTransitionTime changes only when the condition's status does (Kubernetes API conventions), so the same state gives the
 * same text again.
 */
export function mergeConditions(
  old: readonly Stamped[],
  found: readonly Condition[],
  generation: number,
  now: string,
): readonly Stamped[] {
  const before = new Map(old.map((c) => [c.type, c]))
  return [...found, deriveReady(found)].map(({ type, status, reason, message }) => {
    const earlier = before.get(type)
    const lastTransitionTime = earlier?.status === status ? earlier.lastTransitionTime : now
    return { type, status, reason, message: bounded(message), observedGeneration: generation, lastTransitionTime }
  })
}
