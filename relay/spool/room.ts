/** How much room a volume has, by what statfs(2) says of it. Pure. */

/** Octets; and files, where the volume has a number of them that ends before its octets may. */
export type Room = { readonly free: number; readonly total: number; readonly files?: Files | undefined }
type Files = { readonly free: number; readonly total: number }

type Told = {
  readonly bavail: number
  readonly blocks: number
  readonly bsize: number
  readonly frsize?: number
  readonly files: number
  readonly ffree: number
}

/**
 * What statfs(2) says, in octets: it counts in fragments, and what it calls a block is how much is best written at once, many of
 * them on volumes of other machines. A volume without a block, as a tmpfs of `size=0`, says nothing: its first ENOSPC will.
 */
export function roomOf({ bavail, blocks, bsize, frsize, ...inodes }: Told): Room {
  const files = inodes.files === 0 ? undefined : { free: inodes.ffree, total: inodes.files }
  if (blocks === 0) return { free: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER, files }
  // Not every Node that we run on, nor every kernel, tells a fragment.
  const fragment = frsize || bsize
  return { free: bavail * fragment, total: blocks * fragment, files }
}
