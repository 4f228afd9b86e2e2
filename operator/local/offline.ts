/** A YAML directory compiled without running anything: what check, render and explain talk about. */
import { compile } from '../compile/compile.ts'
import type { Compiled } from '../compile/compiled.ts'
import type { BindingKeys, Name, Snapshot } from '../compile/snapshot.ts'
import { type Directory, readDirectory } from './directory.ts'
import { snapshotOf, thisMachine } from './facts.ts'
import { lowPortsAllowed } from './low-ports.ts'
import type { State } from './state.ts'

export type Offline = { readonly directory: Directory; readonly snapshot: Snapshot; readonly compiled: Compiled }

export async function compileDirectory(path: string, state: State): Promise<Offline> {
  const directory = readDirectory(path, state.root)
  const found = snapshotOf(directory, state, thisMachine(await lowPortsAllowed()))
  const snapshot = { ...found, bindingKeys: withFirstKeys(found) }
  return { directory, snapshot, compiled: compile(snapshot) }
}

const noKey = { id: 'none-yet', verifier: 'none-yet' }

/** Nothing makes keys here; that a credential still waits for its first one says nothing about the directory. */
function withFirstKeys(snapshot: Snapshot): ReadonlyMap<Name, BindingKeys> {
  const owed = [...compile(snapshot).bindings].map(
    ([name, { username }]) => [name, { username, keys: [noKey] }] as const,
  )
  return new Map([...owed, ...snapshot.bindingKeys])
}
