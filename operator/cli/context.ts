/** What every verb gets from the composition root. */
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

export type Context = {
  readonly terminal: Terminal
  /** Ends with SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Told once, when the verb is done. */
  readonly finish: (code: ExitCode) => void
}
