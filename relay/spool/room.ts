/** How much room a volume has, by what statfs(2) says of it. Pure. */

/** In octets; and in files (inodes), where the volume has a fixed number of them, which may be used up before its octets are. */
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
 * What statfs(2) says, in octets. It counts in fragments; what it calls a block is how much is best written at once, which on
 * network volumes is many fragments. A volume of no blocks, as a tmpfs of `size=0`, has no limit that is known before its ENOSPC.
 */
export function roomOf({ bavail, blocks, bsize, frsize, ...inodes }: Told): Room {
  const files = inodes.files === 0 ? undefined : { free: inodes.ffree, total: inodes.files }
  if (blocks === 0) return { free: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER, files }
  // Some versions of Node, and some kernels, do not tell the size of a fragment.
  const fragment = frsize || bsize
  return { free: bavail * fragment, total: blocks * fragment, files }
}
