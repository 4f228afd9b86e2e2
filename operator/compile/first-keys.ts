/** For questions about what was declared: that a credential still waits for its first key says nothing about that. */
import { compile } from './compile.ts'
import type { BindingKeys, Name, Snapshot } from './snapshot.ts'

const noKey = { id: 'none-yet', verifier: 'none-yet' }

/** The snapshot in which every credential that is owed a binding has one. */
export function withFirstKeys(snapshot: Snapshot): Snapshot {
  const owed = [...compile(snapshot).bindings].map(([name, { username }]): readonly [Name, BindingKeys] => [
    name,
    { username, keys: [noKey] },
  ])
  return { ...snapshot, bindingKeys: new Map([...owed, ...snapshot.bindingKeys]) }
}
