/** The annotations of our own group by which a person decides something once, outside a policy's spec. Pure. */
import type { Policy } from './snapshot.ts'

const group = 'relayfleet.dev/'

/** Ids of spools, separated by commas, that a person accepts in the place of those that relays had before. */
export const acceptSpool = `${group}accept-spool`

/** `true`: a leaving relay goes at the end of its drainTimeout, even if it still has mail. */
export const discardQueue = `${group}discard-queue`

/** Only our own annotations: those of others may be large, and change without any meaning for us. */
export function ownAnnotations(all: Readonly<Record<string, string>> = {}): Pick<Policy, 'annotations'> {
  const own = Object.entries(all).filter(([name]) => name.startsWith(group))
  return own.length === 0 ? {} : { annotations: Object.fromEntries(own) }
}

export const acceptedSpools = ({ annotations }: Pick<Policy, 'annotations'>): readonly string[] =>
  (annotations?.[acceptSpool] ?? '').split(/[\s,]+/).filter((id) => id !== '')

export const discardsQueue = ({ annotations }: Pick<Policy, 'annotations'>): boolean =>
  annotations?.[discardQueue] === 'true'
