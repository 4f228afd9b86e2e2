/** Lets go of policies that are kept for nothing: their namespace takes pods and volumes along, whoever keeps what in it. */
import type { Backoff } from '../api/backoff.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import type { World } from '../watch/world.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { type Lanes, openLanes } from '../write/lanes.ts'
import { letGo } from './keeping.ts'

export type Forsaken = {
  /** Whoever is to be let go by now; returns at once. */
  look(): void
  close(): void
}

export type ForsakenOptions = {
  readonly world: Pick<World, 'forsaken'>
  readonly writing: Writing
  readonly backoff: Backoff
  readonly done: (policy: DeclaredObject) => void
  readonly failed: (policy: DeclaredObject['ref'], error: unknown) => void
}

export function openForsaken({ world, writing, backoff, done, failed }: ForsakenOptions): Forsaken {
  const lanes: Lanes<DeclaredObject> = openLanes<DeclaredObject>({
    backoff,
    failed(ref, error) {
      if (!(error instanceof Outdated)) failed(ref as DeclaredObject['ref'], error)
    },
    async work(ref) {
      // As it stands now: an earlier look may be outdated.
      const policy = world.forsaken().find((p) => p.ref === ref)
      if (policy === undefined || !writing.mayWrite()) return
      const kept = await letGo(policy, writing).catch(deposed)
      if (kept === 'outdated') throw new Outdated()
      if (kept === 'as it should be') done(policy)
    },
  })
  return {
    look() {
      for (const policy of world.forsaken()) lanes.give(policy.ref, policy, policy.resourceVersion)
    },
    close: () => lanes.close(),
  }
}

class Outdated extends Error {}

function deposed(error: unknown): undefined {
  if (!(error instanceof Deposed)) throw error
}
