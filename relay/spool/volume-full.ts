/** Whether a volume is full for what can wait, in the words of which of its two ends it has come to. Pure. */
import type { Room } from './room.ts'
import { filesKeptOf } from './sizes.ts'

/** Undefined where there are files enough, `times` as many as are kept for delivery. */
export function fewFiles({ files }: Pick<Room, 'files'>, times = 1): string | undefined {
  if (files === undefined) return undefined
  const kept = filesKeptOf(files.total)
  if (files.free >= times * kept) return undefined
  return `disk full: ${files.free} files (inodes) are free, ${kept} are kept for delivery`
}

export const fewOctets = (free: number, kept: number): string =>
  `disk full: ${free} octets are free, ${kept} are kept for delivery`
