/** Fleets: each is made as it was compiled, in a lane of its own; one in trouble delays no other. */
import type { RelayConfig } from '../../relay/config.ts'
import type { Compiled } from '../compile/compiled.ts'
import type { Name } from '../compile/snapshot.ts'

/** How the writing of a fleet went. */
export type FleetWritten = {
  /** The hash of the configuration that its Secrets hold; absent before there is one. */
  readonly hash?: string
  /** Why it is not, or not wholly, as it was compiled; in words for a person. */
  readonly trouble?: string
  /** When the certificate that was issued for its listeners ends, in milliseconds since the epoch. */
  readonly certificateEndsAt?: number
}

export type Fleets = {
  /** What each fleet should be from now on; returns at once. */
  give(compiled: Pick<Compiled, 'fleets'>): void
  /**
   * The configuration that each of these fleets last got, by its Secrets: read once, then remembered.
   * Resolves when there is an answer for each; a fleet without one is absent.
   */
  running(policies: readonly Name[], signal: AbortSignal): Promise<ReadonlyMap<Name, RelayConfig>>
  written(fleet: Name): FleetWritten
  /** Has the pods' kubelets look for changed Secrets now. */
  nudge(fleet: Name, pods: readonly string[]): Promise<void>
  run(signal: AbortSignal): Promise<void>
}
