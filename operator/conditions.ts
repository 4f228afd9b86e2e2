/** The conditions of a status as they are written: Ready and Stalled are derived from the others, and the times are stamped last. */
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

/** Reasons of Accepted that only an edit of the object itself takes away; others may go when somebody else does something. */
const ofItself = ['Invalid', 'HostnameNotItsOwn']

/**
 * Stalled, which is there only while it is True, is what kstatus, and with it Flux and Helm, takes for a failure. Without it they
 * wait for Ready until their time is over, in which what others apply may still come.
 */
const deriveStalled = (found: readonly Condition[]): readonly Condition[] =>
  found
    .filter((c) => c.type === 'Accepted' && c.status === 'False' && ofItself.includes(c.reason))
    .map(({ reason, message }): Condition => ({ type: 'Stalled', status: 'True', reason, message }))

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

const derived = ['Ready', 'Stalled']

/**
 * A message may quote what name servers show, of any length, and the API server would refuse the whole status for a longer one.
 */
const bounded = (message: string): string =>
  message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message

/**
 * The conditions to write. `found` is everything that is known now: a condition that is not in it is removed, and what is derived
 * is derived anew.
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
  const known = found.filter(({ type }) => !derived.includes(type))
  return [...known, ...deriveStalled(known), deriveReady(known)].map(({ type, status, reason, message }) => {
    const earlier = before.get(type)
    const lastTransitionTime = earlier?.status === status ? earlier.lastTransitionTime : now
    return { type, status, reason, message: bounded(message), observedGeneration: generation, lastTransitionTime }
  })
}
