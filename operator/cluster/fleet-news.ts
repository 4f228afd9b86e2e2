/** Tells how fleets stand when that has changed: what was written, what is the trouble, how many are ready. */
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Name } from '../compile/snapshot.ts'
import { Dirty } from '../dirty.ts'
import { policyNames } from './assemble.ts'
import type { Fleets, FleetWritten } from './fleets/fleets.ts'
import type { Tell } from './telling.ts'
import type { DeclaredObject, World } from './watch/world.ts'

type Watched = {
  readonly world: Pick<World, 'declared'>
  readonly fleets: Pick<Fleets, 'written'>
  readonly tell: Tell
}

/** How soon after one look comes the next, whatever happens. */
const restMs = 1000

export class FleetNews {
  readonly #watched: Watched
  readonly #dirty = new Dirty()
  #known = new Map<Name, FleetWritten>()
  #ready: Readonly<Record<string, number>> = {}

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /** Something may have changed; only raises a flag. */
  wake(): void {
    this.#dirty.mark()
  }

  /** Until the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look()
      await this.#dirty.next(signal)
      await wait(restMs, undefined, { signal }).catch(() => undefined)
    }
  }

  look(): void {
    const { world, fleets, tell } = this.#watched
    const declared = world.declared()
    const names = policyNames(declared)
    const now = new Map(names.map((fleet) => [fleet, fleets.written(fleet)] as const))
    for (const [fleet, { hash, trouble }] of now) {
      const before = this.#known.get(fleet)
      if (hash !== undefined && hash !== before?.hash) tell({ about: 'fleet written', fleet, hash })
      if (trouble !== undefined && trouble !== before?.trouble) {
        tell({ about: 'trouble', part: 'fleet', object: fleet, why: trouble })
      }
    }
    this.#known = now
    const ready = byReadiness(declared)
    if (!isDeepStrictEqual(ready, this.#ready)) tell({ about: 'fleets', ready })
    this.#ready = ready
  }
}

function byReadiness(declared: readonly DeclaredObject[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { True: 0, False: 0, Unknown: 0 }
  for (const { status } of declared.filter((d) => d.ref.startsWith('RelayPolicy '))) {
    const conditions = status['conditions'] as readonly { type: string; status: string }[] | undefined
    const ready = conditions?.find(({ type }) => type === 'Ready')?.status ?? 'Unknown'
    counts[ready] = (counts[ready] ?? 0) + 1
  }
  return counts
}
