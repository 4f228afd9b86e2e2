/** Binding Secrets: made for each credential that is owed one, repaired when damaged, never somebody else's. */
import type { Binding, Compiled, Condition } from '../compile/compiled.ts'
import type { BindingKeys, Name } from '../compile/snapshot.ts'

export type Bindings = {
  /** What is owed from now on; returns at once. `authority`: the PEM bundle that goes into `certificates`. */
  give(compiled: Pick<Compiled, 'bindings' | 'heldBindings'>, authority: string): void
  /** What the Secrets were found or made to hold; newer than what a status says. By RelayCredential. */
  keys(): ReadonlyMap<Name, BindingKeys>
  /** Why a credential's Secret is not as it should be: a condition for it, ready to be shown. */
  troubles(): ReadonlyMap<Name, Condition>
  run(signal: AbortSignal): Promise<void>
}

export type { Binding }
