/** Conditions as they are written: Ready derived from the others, times stamped last. */
import { longestMessage } from '../crds/fields.ts'
import type { Condition } from './compile/compiled.ts'
import { notSigned } from './compile/not-signed.ts'

/** A condition in a status. */
export type Stamped = Condition & { readonly observedGeneration: number; readonly lastTransitionTime: string }

/** What keeps an object from being ready, in the order in which a person should look at it. */
const needed = ['Accepted', 'ResolvedRefs', 'Programmed', 'SPFValid', 'DKIMValid', 'DMARCValid']
/** Reasons that are against it wherever they are; a certificate that only ends soon keeps nothing from working. */
const fatal = ['CertificateExpired', 'CertificateNotYetValid']
/** What its owner may have chosen: it is told, and everything that was asked for happens. */
const chosen = (c: Condition): boolean => c.reason === notSigned
/** Nobody knows yet how it will be. */
const open = (c: Condition): boolean => c.status === 'Unknown' && c.reason === 'Pending'
/** True is the bad news in these. */
const negative = ['Suspended', 'Expired']

/** False with the first reason against, Unknown while nothing is against and something is still open, else True. */
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

/** Whatever name servers show may be in a message. */
const bounded = (message: string): string =>
  message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message

/**
 * `found` is all that is known now, Ready excepted: a condition that nobody finds any more is gone. A time changes only
 * with its status, so that writing the same state again changes nothing.
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
