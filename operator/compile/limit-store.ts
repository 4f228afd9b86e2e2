/** The store of a policy in which its relays count together, and the files that it needs. */
import { durationMs } from '../../crds/duration.ts'
import type { LimitStoreConfig } from '../../relay/config.ts'
import type { References, Resolved } from './references.ts'
import { authAt, serverFiles, tlsTo } from './server.ts'
import type { Policy } from './snapshot.ts'

export const limitStoreConfig = ({ spec: { limitStore } }: Policy): LimitStoreConfig | undefined => {
  if (limitStore === undefined) return undefined
  const { host, port, database, timeout } = limitStore
  return {
    host,
    port,
    database,
    timeoutMs: durationMs(timeout),
    tls: tlsTo(limitStore),
    ...authAt(limitStore),
  }
}

/** Asked for also while no credential has limits: one that gets some is counted at once. */
export const limitStoreFiles = (
  { namespace, spec: { limitStore } }: Policy,
  references: References,
): readonly Resolved[] =>
  limitStore === undefined ? [] : serverFiles(limitStore, namespace, 'spec.limitStore', references)
