/** Remembers when keys were last used: filled by what asks the relays, read by what retires keys and what writes statuses. */
import type { RelayConfig } from '../relay/config.ts'
import type { Name } from './compile/snapshot.ts'
import { laterUses, usesRecorded } from './key-saying.ts'
import { type Told, type Uses, usesIn } from './key-uses.ts'
import type { Heard } from './lifecycle/keys.ts'

export type FleetUses = {
  readonly uses: Uses
  /** In milliseconds: every relay that takes mail has reported all uses until then. Undefined: not every one has reported. */
  readonly upTo: number | undefined
}

const nothing: FleetUses = { uses: new Map(), upTo: undefined }

/** The credential's present status; undefined where it has none. */
type StatusOf = (credential: Name) => Readonly<Record<string, unknown>> | undefined

export class KnownUses {
  readonly #statusOf: StatusOf
  readonly #fleets = new Map<Name, FleetUses>()

  constructor(statusOf: StatusOf) {
    this.#statusOf = statusOf
  }

  /** Adds what relays told. With a `config`, only uses of keys that are in it are kept. */
  take(fleet: Name, told: readonly Told[], upTo: number | undefined, config: RelayConfig | undefined): FleetUses {
    const before = this.of(fleet)
    const all = usesIn(told, before.uses)
    const kept = config === undefined ? all : ofConfig(all, config)
    const taken = { uses: kept, upTo: upTo ?? before.upTo }
    this.#fleets.set(fleet, taken)
    return taken
  }

  of(fleet: Name): FleetUses {
    return this.#fleets.get(fleet) ?? nothing
  }

  heard(fleet: Name, credential: Name): Heard {
    const { uses, upTo } = this.of(fleet)
    return { uses: laterUses(usesRecorded(this.#statusOf(credential) ?? {}), uses.get(credential)), upTo }
  }

  keepOnly(fleets: ReadonlyMap<Name, unknown>): void {
    for (const fleet of this.#fleets.keys()) if (!fleets.has(fleet)) this.#fleets.delete(fleet)
  }
}

function ofConfig(uses: Uses, { credentials }: RelayConfig): Uses {
  return new Map(
    credentials.flatMap(({ name, keys }) => {
      const known = uses.get(name)
      const kept = keys.flatMap(({ id }) => {
        const use = known?.get(id)
        return use === undefined ? [] : [[id, use] as const]
      })
      return kept.length === 0 ? [] : [[name, new Map(kept)] as const]
    }),
  )
}
