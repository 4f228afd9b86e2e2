/** The hash of the configuration that a fleet was compiled to, as its relays report it; found once for each. */
import { configHash, printConfig } from '../relay/config.ts'
import type { CompiledFleet } from './compile/compiled.ts'
import { unchanged } from './compile/unchanged.ts'

const hashes = unchanged<CompiledFleet, string | undefined>()

/** Undefined for a fleet that keeps what it has. */
export const compiledHash = (fleet: CompiledFleet): string | undefined =>
  hashes(fleet, [], () => (fleet.config === undefined ? undefined : configHash(printConfig(fleet.config))))
