/** Volumes that really are full when they are full: a tmpfs of the test's own, which takes root. */
import { execFileSync, spawnSync } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { skipped } from '../../local/skipped.ts'
import { temporaryFolder } from './samples.ts'

/** For `describe.runIf`. @throws Error in CI. */
export const smallVolumesGiven = (): boolean =>
  (process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0) ||
  skipped('a small volume needs root, to mount a tmpfs')

/** `options` are those of tmpfs: `size=1m`. It is unmounted behind the test. */
export function smallVolume(options: string): string {
  const directory = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
  onTestFinished(() => void execFileSync('umount', ['-l', directory]))
  return directory
}
