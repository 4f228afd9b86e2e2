/** What one fleet should be, and what was known when that was decided. */
import type { CompiledFleet } from '../../compile/compiled.ts'
import type { Heard } from '../watch/world.ts'

export type FleetJob = {
  readonly compiled: CompiledFleet
  /** How far the world had been heard when it was compiled. */
  readonly heard: Heard
  /** Which of all questions after what runs it was compiled after. */
  readonly round: number
  /** What ran then; undefined where nobody asked. */
  readonly basis: string | undefined
}
