/** The fleets of this machine by name: those that are wanted, and those that are on their way out. */
import type { Name } from '../compile/snapshot.ts'
import { configOnDisk } from './facts.ts'
import { type LocalFleet, localFleet } from './fleet.ts'
import type { State } from './state.ts'
import type { Tell } from './telling.ts'

export type LocalFleets = ReturnType<typeof localFleets>

export function localFleets(state: State, tell: Tell) {
  const active = new Map<Name, LocalFleet>()
  /** Their policy was deleted, and their relay may still be finishing what is in flight. */
  const retired = new Map<Name, LocalFleet>()

  /** One object for one name for as long as we run: two would start two relays on one spool. */
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
    /** Every fleet that runs or has ever run here. */
    known: (): ReadonlySet<Name> => new Set([...active.keys(), ...state.fleets()]),
    /** The policy was deleted. */
    remove(name: Name): void {
      const config = configOnDisk(state, name)
      // A configuration that can not be read might be that of a policy that nobody meant to delete.
      if (config === 'unreadable') {
        fleet(name).hold(undefined)
        return
      }
      if (config === undefined && !active.has(name)) return
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
