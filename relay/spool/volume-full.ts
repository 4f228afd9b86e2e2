/** Whether a volume is too full for what can wait, and in which words: it runs out of files, or of octets. Pure. */
import type { Room } from './room.ts'
import { filesKeptOf } from './sizes.ts'

/** Undefined where enough files are free: `times` as many as are kept for delivery. */
export function fewFiles({ files }: Pick<Room, 'files'>, times = 1): string | undefined {
  if (files === undefined) return undefined
  const kept = filesKeptOf(files.total)
  if (files.free >= times * kept) return undefined
  return `disk full: ${files.free} files (inodes) are free, ${kept} are kept for delivery`
}

export const fewOctets = (free: number, kept: number): string =>
  `disk full: ${free} octets are free, ${kept} are kept for delivery`
