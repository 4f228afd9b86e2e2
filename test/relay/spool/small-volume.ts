/** Small volumes that can really be full: a tmpfs of the test's own, which needs root. */
import { execFileSync, spawnSync } from 'node:child_process'
import { skipped } from '../../local/skipped.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { onTestFinished } from '../../own-test.ts'

/**
 * Whether such a volume can be mounted, for `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export const smallVolumesGiven = (): boolean =>
  (process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0) ||
  skipped('a small volume needs root, to mount a tmpfs')

/** Mounts a volume until the test ends; `options` are those of tmpfs, such as `size=1m`. */
export function smallVolume(options: string): string {
  const directory = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
  onTestFinished(() => void execFileSync('umount', ['-l', directory]))
  return directory
}
