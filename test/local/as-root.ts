/** Suites that need root: without it they are skipped with a loud line, or fail in CI. */
import { skipped } from './skipped.ts'

/**
 * Whether a suite can run: for `describe.runIf`. `why`: what needs root, in words.
 * @throws Error in CI, where nothing may be skipped.
 */
export const asRoot = (why: string): boolean => process.getuid?.() === 0 || skipped(`${why} needs root`)
