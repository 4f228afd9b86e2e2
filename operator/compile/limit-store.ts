/** The store of a policy in which its relays count together, and the files that it needs. */
import { durationMs } from '../../crds/duration.ts'
import type { LimitStoreConfig } from '../../relay/config.ts'
import type { References, Resolved } from './references.ts'
import type { Policy } from './snapshot.ts'

export const limitStoreConfig = ({ spec: { limitStore } }: Policy): LimitStoreConfig | undefined => {
  if (limitStore === undefined) return undefined
  const { host, port, database, timeout, tls, authRef } = limitStore
  return {
    host,
    port,
    database,
    timeoutMs: durationMs(timeout),
    tls: { mode: tls.mode, ...(tls.caRef !== undefined && { caFile: `ca/${tls.caRef.name}/ca.crt` }) },
    ...(authRef !== undefined && {
      auth: {
        usernameFile: `secrets/${authRef.name}/username`,
        passwordFile: `secrets/${authRef.name}/password`,
      },
    }),
  }
}

/** Asked for also while no credential has limits: one that gets some is counted at once. */
export function limitStoreFiles(
  { namespace, spec: { limitStore } }: Policy,
  references: References,
): readonly Resolved[] {
  const { authRef, tls } = limitStore ?? {}
  return [
    ...(tls?.caRef === undefined
      ? []
      : [references.authority(`${namespace}/${tls.caRef.name}`, 'spec.limitStore.tls.caRef')]),
    ...(authRef === undefined ? [] : [references.login(`${namespace}/${authRef.name}`, 'spec.limitStore.authRef')]),
  ]
}
