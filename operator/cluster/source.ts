/** The cluster as a source of snapshots: one when everything has been heard, and one after each change. */
import type { Place, Ref, Snapshot } from '../compile/snapshot.ts'
import type { Dirty } from '../dirty.ts'
import type { Verifier } from '../dns/verifier.ts'
import type { Source } from '../run.ts'
import { rest } from './api/rest.ts'
import { assemble, inCluster, policyNames } from './assemble.ts'
import type { Bindings } from './bindings/bindings.ts'
import type { DomainKeyring } from './domain-keys/domain-keys.ts'
import type { Fleets } from './fleets/fleets.ts'
import { ended } from './together.ts'
import type { DeclaredObject } from './watch/declared.ts'
import { seeReferences } from './watch/see-references.ts'
import type { Sightings } from './watch/sightings.ts'
import type { IssuerWatch } from './watch/token-issuer.ts'
import type { World } from './watch/world.ts'

export type ClusterFacts = {
  readonly world: Pick<World, 'declared' | 'namespaces' | 'unread' | 'synced'>
  readonly sightings: Pick<Sightings, 'see' | 'secrets' | 'configMaps'>
  readonly fleets: Pick<Fleets, 'running'>
  readonly bindings: Pick<Bindings, 'keys' | 'formerNames'>
  readonly domainKeys: Pick<DomainKeyring, 'give' | 'known'>
  readonly records: Pick<Verifier, 'look'>
  readonly issuer: Pick<IssuerWatch, 'see'>
  readonly dirty: Dirty
  readonly place?: Place
}

export type ClusterSource = Source & {
  /** The uid of each object in the last snapshot, since another object may have its name by now. */
  uids(): ReadonlyMap<Ref, string>
}

/** However large the snapshot, the next one comes no later than this after it: a suspension has to reach the relays. */
const longestRestMs = 2000

/**
 * Twice as long as the work on one snapshot took, so that a burst of changes leaves other work two thirds of the time; beyond
 * one second of work, less. A change after a quiet time does not wait.
 */
export const restMs = (tookMs: number): number => Math.min(longestRestMs, 2 * tookMs)

export function clusterSource(facts: ClusterFacts): ClusterSource {
  let uids: ReadonlyMap<Ref, string> = new Map()
  return {
    uids: () => uids,
    async *snapshots(signal) {
      const { dirty, world } = facts
      await Promise.race([world.synced, ended(signal)])
      // The first snapshot comes without a change. Then the flag is lowered before anything is read: a change during the
      // reading raises it again, and is in the next snapshot.
      dirty.mark()
      for (;;) {
        await dirty.next(signal)
        if (signal.aborted) return
        const declared = world.declared()
        const snapshot = await factsNow(declared, facts, signal)
        if (signal.aborted) return
        uids = new Map(declared.map(({ ref, uid }) => [ref, uid]))
        const begin = performance.now()
        yield snapshot
        await rest(restMs(performance.now() - begin), signal)
      }
    },
  }
}

/** What changes while this waits for answers raises the flag, and is in the next snapshot. */
async function factsNow(
  declared: readonly DeclaredObject[],
  facts: ClusterFacts,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { world, sightings, fleets, bindings, domainKeys, records, issuer, place = inCluster } = facts
  domainKeys.give(declared)
  const [running, tokenIssuer] = await Promise.all([
    fleets.running(policyNames(declared), signal),
    issuer.see(declared, signal),
    seeReferences(declared, place, sightings, signal),
  ])
  return assemble({
    declared,
    keys: bindings.keys(),
    formerNames: bindings.formerNames(),
    unread: world.unread(),
    namespaces: world.namespaces(),
    secrets: sightings.secrets(),
    configMaps: sightings.configMaps(),
    running,
    tokenIssuer,
    place,
    domainKeys: domainKeys.known(),
    look: (domain) => records.look(domain),
    now: Date.now(),
  })
}
