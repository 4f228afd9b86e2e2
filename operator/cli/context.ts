/** What every verb gets from the composition root (operator/cli.ts). */
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

export type Context = {
  readonly terminal: Terminal
  /** Aborts with SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** The names, not the values, of the environment variables. */
  readonly environment: readonly string[]
  /** Called once, when the verb is done, with its exit code. */
  readonly finish: (code: ExitCode) => void
}
