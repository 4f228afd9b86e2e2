/** Skips a suite that can not run on this machine, with a loud line; in CI, where nothing may be skipped, it fails. */

/**
 * Always false, for `describe.runIf(there || skipped(what))`.
 * @throws Error in CI.
 */
export function skipped(what: string): false {
  if (process.env['CI'] !== undefined) throw new Error(what)
  process.stderr.write(`\n*** SKIPPED: ${what} ***\n`)
  return false
}
