/** The configuration of a policy's limit store, and the files that it needs. */
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

/** The files are there even while no credential has limits, so that a credential which gets some is counted at once. */
export const limitStoreFiles = (
  { namespace, spec: { limitStore } }: Policy,
  references: References,
): readonly Resolved[] =>
  limitStore === undefined ? [] : serverFiles(limitStore, namespace, 'spec.limitStore', references)
