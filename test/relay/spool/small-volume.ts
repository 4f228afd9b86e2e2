/** Volumes that really are full when they are full: a tmpfs of the test's own, which takes root. */
import { execFileSync, spawnSync } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './samples.ts'

/** Says so where they can not be had; in CI that is an error. */
export function smallVolumesGiven(): boolean {
  if (process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0) return true
  const what = 'the tests of a small volume need root, to mount a tmpfs'
  if (process.env['CI']) throw new Error(what)
  console.warn(`SKIPPED: ${what}`)
  return false
}

/** `options` are those of tmpfs: `size=1m`. It is unmounted behind the test. */
export function smallVolume(options: string): string {
  const directory = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
  onTestFinished(() => void execFileSync('umount', ['-l', directory]))
  return directory
}
