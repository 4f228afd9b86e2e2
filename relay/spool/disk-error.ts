/** What an error of the disk means for the spool: no room, a fault, a file that is not there, or a place that is not given out. */
import { SpoolError } from './spool.ts'

const noRoom: readonly unknown[] = ['ENOSPC', 'EDQUOT']

/** `what` names the object and the deed: `spool /data: journal could not be written`. */
export function spoolError(what: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause
  const kind = isFull(cause) ? 'full' : 'fault'
  return new SpoolError(kind, `${what}: ${wordsOf(cause)}`, cause)
}

/** What Linux says and Node has no name for: the usual errors of quotas, and of volumes of other machines. */
const unnamed: ReadonlyMap<unknown, string> = new Map([
  ['Unknown system error -74', 'EBADMSG: bad message'],
  ['Unknown system error -116', 'ESTALE: stale file handle'],
  ['Unknown system error -117', 'EUCLEAN: structure needs cleaning'],
  ['Unknown system error -122', 'EDQUOT: disk quota exceeded'],
])

/** For a person. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message.replace(/(Unknown system error -\d+)(: \1)?/, (said, code) => unnamed.get(code) ?? said)
}

/** Full or read-only: what it has it gives out. */
export const takesNothing = (error: unknown): boolean => isFull(error) || isReadOnly(error)

/** Nothing is taken before it is mounted anew: what was not synced matters to nobody until then. */
export const isReadOnly = (error: unknown): boolean => codeOf(error) === 'EROFS'

const isFull = (error: unknown): boolean => noRoom.includes(codeOf(error))

export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT'

export const isTaken = (error: unknown): boolean => codeOf(error) === 'EEXIST'

/** A folder, a socket, a device that nothing drives. */
export const isOfNoFile = (error: unknown): boolean => ofNoFile.includes(codeOf(error))

const ofNoFile: readonly unknown[] = ['EISDIR', 'ENXIO', 'ENODEV']

/** Not that of a process that has no descriptors, no memory or no right: waiting, or a person, mends those. */
export const isOfTheMedium = (error: unknown): boolean => ofTheMedium.includes(codeOf(error))

// EUCLEAN and EBADMSG are what file systems say of checksums of their own.
const ofTheMedium: readonly unknown[] = ['EIO', 'ENODATA', 'ENOENT', 'EUCLEAN', 'EBADMSG']

function codeOf(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return unnamed.get(code)?.split(':')[0] ?? code
}
