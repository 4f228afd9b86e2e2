/** Tells how fleets and domains stand when that has changed: what was written, what is the trouble, who is in order. */
import { isDeepStrictEqual } from 'node:util'
import { isOf, type Name } from '../compile/snapshot.ts'
import { Dirty } from '../dirty.ts'
import { rest } from './api/rest.ts'
import { policyNames } from './assemble.ts'
import { expiries } from './expiry-news.ts'
import type { Fleets, FleetWritten } from './fleets/fleets.ts'
import { keyCounts } from './key-news.ts'
import { recordsOk } from './record-news.ts'
import { rotationCounts } from './rotation-news.ts'
import type { Tell, Telling } from './telling.ts'
import type { DeclaredObject } from './watch/declared.ts'
import { standingStatus } from './watch/standing-status.ts'
import type { World } from './watch/world.ts'

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
  #told: readonly Telling[] = []

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
      await rest(restMs, signal)
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
    const told = censuses.map((census) => census(declared))
    for (const [i, telling] of told.entries()) if (!isDeepStrictEqual(telling, this.#told[i])) tell(telling)
    this.#told = told
  }
}

/** Each is told when it comes to something else than before. */
const censuses: readonly ((declared: readonly DeclaredObject[]) => Telling)[] = [
  (declared) => ({ about: 'fleets', ...countsOf(declared) }),
  (declared) => ({ about: 'records', records: recordsOk(declared) }),
  (declared) => ({ about: 'rotations', pending: rotationCounts(declared) }),
  (declared) => ({ about: 'expiries', expiries: expiries(declared) }),
  (declared) => ({ about: 'dkim keys', counts: keyCounts(declared) }),
]

type Counts = Pick<Extract<Telling, { about: 'fleets' }>, 'ready' | 'conditions'>

/** Conditions that are bad news while they are True. */
const counted = ['Degraded', 'ScalingDown', 'SpoolReset']

function countsOf(declared: readonly DeclaredObject[]): Counts {
  const ready: Record<string, number> = { True: 0, False: 0, Unknown: 0 }
  const conditions: Record<string, number> = Object.fromEntries(counted.map((type) => [type, 0]))
  for (const { status } of declared.filter((d) => isOf(d.ref, 'RelayPolicy'))) {
    const found = standingStatus(status).conditions
    const readiness = found.find(({ type }) => type === 'Ready')?.status ?? 'Unknown'
    ready[readiness] = (ready[readiness] ?? 0) + 1
    for (const { type, status: is } of found) {
      if (is === 'True' && conditions[type] !== undefined) conditions[type] += 1
    }
  }
  return { ready, conditions }
}
