/**
 * Takes the finalizer off policies whose namespace is being deleted: it takes their pods and volumes along, so the finalizer
 * only keeps the namespace from ending.
 */
import type { Backoff } from '../../backoff.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import type { World } from '../watch/world.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { type Lanes, openLanes } from '../write/lanes.ts'
import { letGo } from './keeping.ts'

export type Forsaken = {
  /** Lets go of all such policies that there are now; returns at once. */
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
      // As it is now, since the job may have waited.
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
