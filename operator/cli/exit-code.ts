/** The exit codes of every verb, and the error that means wrong usage. */

export const exitCodes = { ok: 0, refused: 1, usage: 2, failed: 3 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The command line itself is wrong; the message says what was given, and what to give instead. Exit code 2. */
export class UsageError extends Error {}

export const exitCodeHelp = `
Exit codes:
  0  done; accepted; no errors found
  1  refused, not delivered, or errors found
  2  the command line is wrong
  3  something could not be reached, read or started`
