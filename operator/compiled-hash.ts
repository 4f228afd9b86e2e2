/** The hash of a fleet's compiled configuration, to compare with the one that its relays report; computed once for each. */
import { configHash, printConfig } from '../relay/config.ts'
import type { CompiledFleet } from './compile/compiled.ts'
import { unchanged } from './compile/unchanged.ts'

const hashes = unchanged<CompiledFleet, string | undefined>()

/** Undefined for a held fleet without a configuration: its relays keep the one that they have. */
export const compiledHash = (fleet: CompiledFleet): string | undefined =>
  hashes(fleet, [], () => (fleet.config === undefined ? undefined : configHash(printConfig(fleet.config))))
