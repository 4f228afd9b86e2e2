/** The fleets that this process writes, by name: each is looked at once, and anew when this operator takes over from another. */
import { type Name, splitName } from '../../compile/snapshot.ts'
import type { World } from '../watch/world.ts'
import { fleetOwner } from '../write/ownership.ts'
import { Fence } from './fence.ts'
import { type FirstLook, Fleet } from './fleet.ts'

/** A few looks at once do not crowd out a write. */
const looksAtOnce = 8
/** How long those that are at work may be held up by fleets that are new. */
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
  /** Whether all were asked about once since this operator leads. */
  #isBegun = false

  constructor(options: KnownFleetsOptions) {
    this.#options = options
  }

  /** Whether to write at all. What others wrote while they led is read anew. */
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

  /** Undefined where its policy is gone. One that was made anew under the name is another fleet. */
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
    // Whatever the others do: what ran of a fleet that is known goes into what is compiled.
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

  /** Undefined where it was not looked at, or another one has its name. */
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
