/** All fleets of local mode by name: those that are declared, and those that are being removed. */
import type { Name } from '../compile/snapshot.ts'
import { configOnDisk } from './facts.ts'
import { forget, type LocalFleet, localFleet } from './fleet.ts'
import type { State } from './state.ts'
import type { Tell } from './telling.ts'

export type LocalFleets = ReturnType<typeof localFleets>

export function localFleets(state: State, tell: Tell) {
  const active = new Map<Name, LocalFleet>()
  /** Fleets of deleted policies, whose relays may still be finishing what is in flight. */
  const retired = new Map<Name, LocalFleet>()

  /**
   * There is only ever one object for a name, even if its policy is deleted and declared again: two would run two relays on one
   * spool.
   */
  const fleet = (name: Name): LocalFleet => {
    const found =
      active.get(name) ??
      retired.get(name) ??
      localFleet(state, name, (line) => tell({ about: 'relay', policy: name, line }))
    active.set(name, found)
    retired.delete(name)
    return found
  }

  return {
    active: active as ReadonlyMap<Name, LocalFleet>,
    fleet,
    /** Every fleet that runs, or that has a folder here. */
    known: (): ReadonlySet<Name> => new Set([...active.keys(), ...state.fleets()]),
    /** For a fleet that compile does not have; `isDeleted`: all is read, and no policy of that name is declared. */
    remove(name: Name, isDeleted: boolean): void {
      const config = configOnDisk(state, name)
      // A fleet whose configuration can not be read, or not be found in folders that can not, was unknown to compile, so its policy
      // may be merely unread: nothing is removed.
      if (config === 'unreadable' || (config !== undefined && !isDeleted)) {
        fleet(name).hold(undefined)
        return
      }
      if (config === undefined && !active.has(name)) {
        // Whoever was killed while it removed this fleet has perhaps left keys behind.
        forget(state.fleet(name))
        return
      }
      const leaving = fleet(name)
      leaving.remove()
      active.delete(name)
      retired.set(name, leaving)
    },
    async close(): Promise<void> {
      await Promise.all([...active.values(), ...retired.values()].map((f) => f.close()))
    },
  }
}
