/** What an error of the disk means for the spool: no room, a fault, a file that is not there, or a place that cannot be read. */
import { SpoolError } from './spool.ts'

const noRoom: readonly unknown[] = ['ENOSPC', 'EDQUOT']

/** `what` names the object and the deed: `spool /data: journal could not be written`. */
export function spoolError(what: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause
  const kind = isFull(cause) ? 'full' : 'fault'
  return new SpoolError(kind, `${what}: ${wordsOf(cause)}`, cause)
}

/** Errors of Linux that Node has no name for, as quotas and network volumes have them. */
const unnamed: ReadonlyMap<unknown, string> = new Map([
  ['Unknown system error -74', 'EBADMSG: bad message'],
  ['Unknown system error -116', 'ESTALE: stale file handle'],
  ['Unknown system error -117', 'EUCLEAN: structure needs cleaning'],
  ['Unknown system error -122', 'EDQUOT: disk quota exceeded'],
])

/** The error's message, with the name of an error that Node knows by its number alone. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message.replace(/(Unknown system error -\d+)(: \1)?/, (said, code) => unnamed.get(code) ?? said)
}

/** Full or read-only: nothing can be written, and everything can be read. */
export const takesNothing = (error: unknown): boolean => isFull(error) || isReadOnly(error)

/** Nothing can be written before the volume is mounted anew, so a sync that fails for this reason does no harm. */
export const isReadOnly = (error: unknown): boolean => codeOf(error) === 'EROFS'

/** Of how many files may be open, or how large one may be, for this process or on this machine: nothing is known of the disk. */
export const isOfALimit = (error: unknown): boolean => ofALimit.includes(codeOf(error))

const ofALimit: readonly unknown[] = ['EMFILE', 'ENFILE', 'EFBIG']

const isFull = (error: unknown): boolean => noRoom.includes(codeOf(error))

export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT'

export const isTaken = (error: unknown): boolean => codeOf(error) === 'EEXIST'

/** What has the name is no file: a folder, a socket, or a device without a driver. */
export const isOfNoFile = (error: unknown): boolean => ofNoFile.includes(codeOf(error))

const ofNoFile: readonly unknown[] = ['EISDIR', 'ENXIO', 'ENODEV']

/** Of the medium itself. A lack of descriptors, memory or rights is not: time, or a person, mends those. */
export const isOfTheMedium = (error: unknown): boolean => ofTheMedium.includes(codeOf(error))

// File systems that keep checksums of their own say EUCLEAN or EBADMSG where one is wrong.
const ofTheMedium: readonly unknown[] = ['EIO', 'ENODATA', 'ENOENT', 'EUCLEAN', 'EBADMSG']

function codeOf(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return unnamed.get(code)?.split(':')[0] ?? code
}
