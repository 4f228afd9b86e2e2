/**
 * For `check`, `render` and `explain`: pretends that every credential has a key, as still waiting for the first one is no error
 * in what was declared.
 */
import { compile } from './compile.ts'
import type { BindingKeys, Name, Snapshot } from './snapshot.ts'

const noKey = { id: 'none-yet', verifier: 'none-yet' }

/** The snapshot in which every credential that should have a binding has a key. */
export function withFirstKeys(snapshot: Snapshot): Snapshot {
  const owed = [...compile(snapshot).bindings].map(([name, { username }]): readonly [Name, BindingKeys] => [
    name,
    { username, keys: [noKey] },
  ])
  return { ...snapshot, bindingKeys: new Map([...owed, ...snapshot.bindingKeys]) }
}
