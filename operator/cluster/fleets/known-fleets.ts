/** The fleets that this process writes, by name: each is looked at once, and anew when this operator takes over from another. */
import { type Name, splitName } from '../../compile/snapshot.ts'
import type { World } from '../watch/world.ts'
import { fleetOwner } from '../write/ownership.ts'
import { Fence } from './fence.ts'
import { type FirstLook, Fleet } from './fleet.ts'

/** How many fleets are looked at at once; so few do not delay a write. */
const looksAtOnce = 8
/** How long fleets that are at work may be delayed by the first looks at new ones. */
const newcomersMs = 300

export type KnownFleetsOptions = {
  readonly world: Pick<World, 'declaredAs' | 'refresh'>
  readonly mayWrite: () => boolean
  readonly round: () => number
  readonly look: FirstLook
}

export class KnownFleets {
  readonly #options: KnownFleetsOptions
  readonly #fleets = new Map<Name, Fleet>()
  #isLeading = false
  /** Whether all fleets were asked about at least once since this operator leads. */
  #isBegun = false

  constructor(options: KnownFleetsOptions) {
    this.#options = options
  }

  /**
   * Whether this operator writes. When it begins to, all fleets are forgotten, since another operator wrote them meanwhile.
   */
  leads(): boolean {
    const leads = this.#options.mayWrite()
    if (leads && !this.#isLeading) {
      this.#fleets.clear()
      this.#isBegun = false
    }
    this.#isLeading = leads
    return leads
  }

  get(name: Name): Fleet | undefined {
    return this.#fleets.get(name)
  }

  all(): readonly Fleet[] {
    return [...this.#fleets.values()]
  }

  /**
   * The fleet of that name, which is looked at when it is new; undefined where its policy is gone. A policy that was made
   * anew under the name has a new fleet.
   */
  of(name: Name): Fleet | undefined {
    const { world, round, look } = this.#options
    const uid = world.declaredAs(`RelayPolicy ${name}`)?.uid
    if (uid === undefined) return undefined
    const known = this.#fleets.get(name)
    if (known?.secrets.owner.reference.uid === uid) return known
    const fleet = new Fleet(name, fleetOwner({ ...splitName(name), uid }), new Fence(world, round))
    this.#fleets.set(name, fleet)
    void fleet.look(look)
    return fleet
  }

  keepOnly(names: Iterable<Name>): void {
    const kept = new Set(names)
    for (const name of this.#fleets.keys()) if (!kept.has(name)) this.#fleets.delete(name)
  }

  /** Resolves when there is an answer for each, or there was none for so long that the others are not to be waited for. */
  async answered(names: readonly Name[], signal: AbortSignal): Promise<readonly Fleet[]> {
    // The fleets that are known come first, whatever happens to the others: what runs in them goes into what is compiled.
    const found = names.flatMap((name) => this.#looked(name) ?? [])
    const known = new Set(found.map(({ name }) => name))
    const left = names.filter((name) => !known.has(name))[Symbol.iterator]()
    const over = Promise.withResolvers<void>()
    let isOver = false
    const giveUp = (): void => {
      isOver = true
      over.resolve()
    }
    const patience = setTimeout(giveUp, this.#patienceMs())
    const hand = async (): Promise<void> => {
      for (const name of left) {
        const fleet = this.of(name)
        if (fleet === undefined) continue
        found.push(fleet)
        await fleet.answered
        if (isOver || signal.aborted) return
        if (fleet.isLooked) patience.refresh()
      }
    }
    await Promise.race([over.promise, Promise.all(Array.from({ length: looksAtOnce }, hand))])
    clearTimeout(patience)
    for (const fleet of found) fleet.goOn()
    this.#isBegun ||= this.#isLeading
    return [...found]
  }

  /** The fleet of that name where it was looked at, and still has the same policy. */
  #looked(name: Name): Fleet | undefined {
    const known = this.#fleets.get(name)
    const uid = this.#options.world.declaredAs(`RelayPolicy ${name}`)?.uid
    return known?.isLooked === true && known.secrets.owner.reference.uid === uid ? known : undefined
  }

  #patienceMs(): number {
    const { patienceMs } = this.#options.look
    return this.#isBegun ? Math.min(newcomersMs, patienceMs) : patienceMs
  }
}
