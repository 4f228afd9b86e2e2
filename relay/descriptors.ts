/** For how many sessions the file descriptors of this process are enough. */
import { readFileSync } from 'node:fs'

/** A session may need two: its socket, and the file of a large content. `elsewhere`: those of the spool and of delivery. */
const perSession = 2
const elsewhere = 64
const least = 8

export const sessionsWithin = (descriptors: number): number =>
  Math.max(least, Math.floor((descriptors - elsewhere) / perSession))

/** The soft limit of open files of this process; Infinity where the system does not tell it. */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
