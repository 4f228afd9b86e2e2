/** Tells suites whether they run as root; without it, a suite is skipped with a loud line, and in CI it fails. */
import { skipped } from './skipped.ts'

/**
 * Whether a suite can run, for `describe.runIf`; `why` says in words what needs root.
 * @throws Error in CI, where nothing may be skipped.
 */
export const asRoot = (why: string): boolean => process.getuid?.() === 0 || skipped(`${why} needs root`)
