/** Compiles a YAML directory without running anything, for check, render, explain and domain check. */
import { compile } from '../compile/compile.ts'
import type { Compiled } from '../compile/compiled.ts'
import { withFirstKeys } from '../compile/first-keys.ts'
import type { Snapshot } from '../compile/snapshot.ts'
import { type Directory, readDirectory } from './directory.ts'
import { snapshotOf, thisMachine } from './facts.ts'
import { lowPortsAllowed } from './low-ports.ts'
import type { State } from './state.ts'

export type Offline = { readonly directory: Directory; readonly snapshot: Snapshot; readonly compiled: Compiled }

export async function compileDirectory(path: string, state: State): Promise<Offline> {
  const directory = readDirectory(path, state.root)
  const snapshot = withFirstKeys(snapshotOf(directory, state, thisMachine(await lowPortsAllowed())))
  return { directory, snapshot, compiled: compile(snapshot) }
}
