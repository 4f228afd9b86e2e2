/** What every verb gets from the composition root. */
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

export type Context = {
  readonly terminal: Terminal
  /** Ends with SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** The names of the environment's variables. */
  readonly environment: readonly string[]
  /** Told once, when the verb is done. */
  readonly finish: (code: ExitCode) => void
}
