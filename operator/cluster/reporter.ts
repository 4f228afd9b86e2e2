/** Statuses as evidence: asks the relays, writes what changed, and records an Event where an object's fortune turns. */
import type { Compiled } from '../compile/compiled.ts'

export type Reporter = {
  /** What there is to report on from now on; returns at once. */
  give(compiled: Compiled): void
  /** Something was heard or written that statuses may depend on; only raises a flag. */
  wake(): void
  run(signal: AbortSignal): Promise<void>
}
