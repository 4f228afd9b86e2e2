/** Secrets and ConfigMaps that policies name: looked at by name, again and again, and never read. */
import type { Compiled } from '../compile/compiled.ts'
import type { Keyed, Name } from '../compile/snapshot.ts'

type Asked = Compiled['references']

export type Sightings = {
  /**
   * Looks at what of `asked` was not looked at yet, and resolves when there is an answer to each; from then on it is
   * looked at every half a minute, until it is no longer asked for. An answer that changed raises the flag.
   */
  see(asked: Asked, signal: AbortSignal): Promise<void>
  /** Those that are there, of what was asked for. */
  secrets(): ReadonlyMap<Name, Keyed>
  configMaps(): ReadonlyMap<Name, Keyed>
  run(signal: AbortSignal): Promise<void>
}
