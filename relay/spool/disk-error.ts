/** What an error of the disk means for the spool: no room, a fault, a file that is not there, or a place that is not given out. */
import { SpoolError } from './spool.ts'

const noRoom: readonly unknown[] = ['ENOSPC', 'EDQUOT']

/** `what` names the object and the deed: `spool /data: journal could not be written`. */
export function spoolError(what: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause
  const kind = isFull(cause) ? 'full' : 'fault'
  return new SpoolError(kind, `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
}

/** Full or read-only: what it has it gives out. */
export const takesNothing = (error: unknown): boolean => isFull(error) || isReadOnly(error)

/** Nothing is taken before it is mounted anew: what was not synced matters to nobody until then. */
export const isReadOnly = (error: unknown): boolean => codeOf(error) === 'EROFS'

const isFull = (error: unknown): boolean => noRoom.includes(codeOf(error))

export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT'

export const isTaken = (error: unknown): boolean => codeOf(error) === 'EEXIST'

/** Not that of a process that has no descriptors, no memory or no right: waiting, or a person, mends those. */
export const isOfTheMedium = (error: unknown): boolean => ofTheMedium.includes(codeOf(error))

// EUCLEAN (117) and EBADMSG (74), which file systems say of checksums of their own, have no name in Node.
const ofTheMedium: readonly unknown[] = [
  'EIO',
  'ENODATA',
  'ENOENT',
  'Unknown system error -117',
  'Unknown system error -74',
]

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
