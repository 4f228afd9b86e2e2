/** What a person says of a policy once, by hand and beside its spec: annotations of our own group. Pure. */
import type { Policy } from './snapshot.ts'

const group = 'relayfleet.dev/'

/** Ids of spools that may take the place of what a relay had before, separated by commas. */
export const acceptSpool = `${group}accept-spool`

/** `true`: mail that a relay which is to leave can not deliver in its time is not waited for. */
export const discardQueue = `${group}discard-queue`

/** Others' may be large, and change without a meaning for us. */
export function ownAnnotations(all: Readonly<Record<string, string>> = {}): Pick<Policy, 'annotations'> {
  const own = Object.entries(all).filter(([name]) => name.startsWith(group))
  return own.length === 0 ? {} : { annotations: Object.fromEntries(own) }
}

export const acceptedSpools = ({ annotations }: Pick<Policy, 'annotations'>): readonly string[] =>
  (annotations?.[acceptSpool] ?? '').split(/[\s,]+/).filter((id) => id !== '')

export const discardsQueue = ({ annotations }: Pick<Policy, 'annotations'>): boolean =>
  annotations?.[discardQueue] === 'true'
