/** What one fleet should be, and what was known when that was compiled. */
import type { CompiledFleet } from '../../compile/compiled.ts'
import type { Heard } from '../watch/world.ts'

export type FleetJob = {
  readonly compiled: CompiledFleet
  /** How far the world had been heard when it was compiled. */
  readonly heard: Heard
  /** The number of the round in which it was compiled: each question for what runs (`Fleets.running`) begins a round. */
  readonly round: number
  /** Names the configuration that ran then (`FleetSecrets.basis`); undefined where nobody asked. */
  readonly basis: string | undefined
}
