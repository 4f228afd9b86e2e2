/** Suites that need root: without it they are skipped with a loud line, or fail in CI. */

/**
 * Whether a suite can run: for `describe.runIf`. `why`: what needs root, in words.
 * @throws Error in CI, where nothing may be skipped.
 */
export function asRoot(why: string): boolean {
  if (process.getuid?.() === 0) return true
  const what = `${why} needs root`
  if (process.env['CI'] !== undefined) throw new Error(what)
  process.stderr.write(`\n*** SKIPPED: ${what} ***\n`)
  return false
}
