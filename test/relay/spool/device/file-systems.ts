/** The file systems that volumes of a cluster have, made in files and mounted by a loop device. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { asRoot } from '../../../local/as-root.ts'
import { installed, type Program, programFile } from '../../../local/programs.ts'

export type FileSystem = {
  readonly name: string
  readonly make: Program
  readonly arguments: readonly string[]
  /** As small as it can be made. */
  readonly megabytes: number
  readonly options: readonly string[]
}

const all: readonly FileSystem[] = [
  { name: 'ext4', make: 'mkfs.ext4', arguments: ['-q', '-F'], megabytes: 64, options: [] },
  // Without nouuid the same file system could not be mounted again after a loss of power.
  { name: 'xfs', make: 'mkfs.xfs', arguments: ['-q', '-f'], megabytes: 300, options: ['nouuid'] },
  { name: 'btrfs', make: 'mkfs.btrfs', arguments: ['-q', '-f'], megabytes: 128, options: [] },
]

/** A kernel is nothing that could be installed: what it lacks is told and left out, in CI too. */
const inKernel = (has: boolean, what: string): boolean => {
  if (!has) process.stderr.write(`\n*** LEFT OUT: this kernel has no ${what} ***\n`)
  return has
}

/** Those that this kernel can mount. */
export const fileSystems: readonly FileSystem[] = inKernel(existsSync('/dev/loop-control'), 'loop devices')
  ? all.filter(({ name }) =>
      inKernel(new RegExp(`\\b${name}\\b`).test(readFileSync('/proc/filesystems', 'utf8')), name),
    )
  : []

/**
 * Whether they can be made and mounted, for `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export const fileSystemsGiven = (): boolean =>
  fileSystems.length > 0 && asRoot('mounting a volume') && installed(...fileSystems.map(({ make }) => make))

/**
 * Whether they can be on a device that logs what is written, for `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export const loggedDevicesGiven = (): boolean =>
  fileSystemsGiven() && inKernel(existsSync('/dev/fuse'), 'FUSE') && installed('fusepy')

export function makeImage({ make, arguments: given, megabytes }: FileSystem, image: string): void {
  writeFileSync(image, '')
  truncateSync(image, megabytes * 1_048_576)
  execFileSync(programFile(make) ?? make, [...given, image], { stdio: 'pipe' })
}

/** Writes an image without its zeros, which are most of it. */
export function writeImage(path: string, image: Buffer): void {
  const zeros = Buffer.alloc(65_536)
  const file = openSync(path, 'w')
  try {
    ftruncateSync(file, image.length)
    for (let at = 0; at < image.length; at += zeros.length) {
      const piece = image.subarray(at, at + zeros.length)
      if (piece.compare(zeros, 0, piece.length) !== 0) writeSync(file, piece, 0, piece.length, at)
    }
  } finally {
    closeSync(file)
  }
}

/** Mounts the image, or the device, at the folder, which is made where it is not there. Returns what unmounts it. */
export function mountAt(folder: string, image: string, { options }: FileSystem): () => void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-o', ['loop', 'noatime', ...options].join(), image, folder], { stdio: 'pipe' })
  return () => void execFileSync('umount', [folder], { stdio: 'pipe' })
}
