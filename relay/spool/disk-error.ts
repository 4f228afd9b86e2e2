/** What an error of the disk means for the spool: no room, or a fault. */
import { SpoolError } from './spool.ts'

const noRoom: readonly unknown[] = ['ENOSPC', 'EDQUOT']

/** `what` names the object and the deed: `spool /data: journal could not be written`. */
export function spoolError(what: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const kind = noRoom.includes(code) ? 'full' : 'fault'
  return new SpoolError(kind, `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
}
