/** What all clients of a story see: what is declared at this moment, the fleet, and what was counted; and how each of these changes. */
import type { Judge, Ledger } from '../limits/ledger-model.ts'
import type { Moment } from './rights-model.ts'
import type { Fleet } from './rights-relays.ts'
import type { ChangeOfStore } from './rights-story.ts'
import { type Edit, edited, firstWorld, type Pace, type World } from './rights-world.ts'

export class Scene {
  world: World = firstWorld
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly pace: Pace
  /** The connections that each relay has. */
  readonly open: number[]
  /** For people who look for what went wrong. */
  readonly log: string[] = []

  constructor(fleet: Fleet, ledger: Ledger, pace: Pace) {
    this.fleet = fleet
    this.ledger = ledger
    this.pace = pace
    this.open = fleet.relays.map(() => 0)
  }

  get moment(): Moment {
    return { world: this.world, now: this.fleet.clock.now }
  }

  /** Who counts now. */
  get judge(): Judge {
    return this.world.hasStore && !this.fleet.store.isAway ? 'store' : 'share'
  }

  async edit(edit: Edit): Promise<void> {
    // What the store has said of a day counts also without it, so no answer is to be on its way.
    if (this.world.hasStore) await this.fleet.atRest()
    this.world = edited(this.world, edit)
    await this.fleet.apply(this.world)
  }

  async store(how: ChangeOfStore): Promise<void> {
    const { store } = this.fleet
    if (!this.world.hasStore) return
    switch (how) {
      case 'goes away':
        await this.fleet.atRest()
        store.isAway = true
        store.drop()
        return this.fleet.steady()
      case 'comes back':
        store.isAway = false
        this.fleet.tryAgain()
        return this.fleet.steady()
      case 'forgets':
        store.forget()
        this.ledger.forget()
        return this.fleet.steady()
      case 'restarts':
        for (const next of ['goes away', 'forgets', 'comes back'] as const) await this.store(next)
    }
  }
}
