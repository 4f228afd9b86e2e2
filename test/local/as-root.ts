/** Suites that need root: anybody else sees in a loud line that they are skipped, and in CI they fail. */
import { skipped } from './skipped.ts'

/**
 * Whether a suite can run, for `describe.runIf`; `why` says in words what needs root.
 * @throws Error in CI, where nothing may be skipped.
 */
export const asRoot = (why: string): boolean => process.getuid?.() === 0 || skipped(`${why} needs root`)
