/** The source of local mode: a snapshot of the YAML directory now, and one after each change. */

import { FolderWatch } from '../../relay/folder-watch.ts'
import type { Place, Snapshot } from '../compile/snapshot.ts'
import type { Dirty } from '../dirty.ts'
import type { Source } from '../run.ts'
import { type Directory, readDirectory } from './directory.ts'
import type { LookOf } from './domain-keys.ts'
import { configOnDisk, snapshotOf, thisMachine } from './facts.ts'
import { Unread } from './files.ts'
import { lowPortsAllowed } from './low-ports.ts'
import type { LocatedProblem } from './objects.ts'
import { doubtMs, Presence } from './presence.ts'
import type { State } from './state.ts'
import type { Tell } from './telling.ts'

/** How often to look whether a missing directory, or what can not be read of the state folder, is back. */
const goneMs = 1000

export type YamlSource = Source & {
  /** The directory as the last snapshot saw it. */
  readonly directory: Directory
}

export function yamlSource(options: {
  readonly directory: string
  readonly state: State
  readonly dirty: Dirty
  readonly tell: Tell
  readonly look?: LookOf
}): YamlSource {
  const { state, dirty, tell, look } = options
  const presence = new Presence(policiesOnDisk(state))
  let told: ReadonlySet<string> = new Set()
  let directory: Directory = { objects: [], problems: [], unread: [], doubted: [], watched: [options.directory] }

  let unread: string | undefined
  /** Undefined where the state folder can not be read, which is told once: then all stays as it is. */
  const recorded = (place: Place): Snapshot | undefined => {
    try {
      const snapshot = snapshotOf(directory, state, place, look)
      unread = undefined
      return snapshot
    } catch (error) {
      if (!(error instanceof Unread)) throw error
      if (error.message !== unread) tell({ about: 'trouble', text: `${error.message}; meanwhile all stays as it is` })
      unread = error.message
      return undefined
    }
  }

  async function* snapshots(signal: AbortSignal) {
    const place = thisMachine(await lowPortsAllowed())
    const watch = new FolderWatch(() => dirty.mark())
    let again: NodeJS.Timeout | undefined
    try {
      while (!signal.aborted) {
        const found = readDirectory(options.directory, state.root, (path) => watch.also(path))
        watch.watch(found.watched)
        const missing = presence.missing(
          found.objects.map((o) => o.object),
          performance.now(),
        )
        clearTimeout(again)
        if (missing.length > 0) again = setTimeout(() => dirty.mark(), doubtMs)
        // A folder that does not exist can not be watched.
        else if (found.unread.includes(options.directory)) again = setTimeout(() => dirty.mark(), goneMs)
        directory = { ...found, doubted: missing }
        told = tellNew(found.problems, told, tell)
        const snapshot = recorded(place)
        if (snapshot === undefined) {
          clearTimeout(again)
          again = setTimeout(() => dirty.mark(), goneMs)
        } else yield snapshot
        await dirty.next(signal)
      }
    } finally {
      clearTimeout(again)
      watch.close()
    }
  }
  return {
    snapshots,
    get directory() {
      return directory
    },
  }
}

const policiesOnDisk = (state: State): readonly string[] =>
  state
    .fleets()
    .filter((name) => configOnDisk(state, name) !== undefined)
    .map((name) => `RelayPolicy ${name}`)

/** Reports problems that were not found at the last read, and returns those found now. */
function tellNew(problems: readonly LocatedProblem[], told: ReadonlySet<string>, tell: Tell): ReadonlySet<string> {
  const keys = problems.map((p) => JSON.stringify(p))
  problems.forEach((problem, i) => {
    if (!told.has(keys[i] ?? '')) tell({ about: 'text', problem })
  })
  return new Set(keys)
}
