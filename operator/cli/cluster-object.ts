/** Reads one of our objects from a cluster by its name; for a name that does not exist, the error says which names do. */
import { apiVersion, type KindName } from '../../crds/kinds.ts'
import { isNotFound } from '../cluster/api/api-error.ts'
import type { KubeObject } from '../cluster/api/object.ts'
import { resourceOf } from '../cluster/api/resource.ts'
import { survey } from '../cluster/person/survey.ts'
import { isOf, type Name, nameIn, splitName } from '../compile/snapshot.ts'
import { asking } from './api-trouble.ts'
import type { Cluster } from './cluster-options.ts'
import { UsageError } from './exit-code.ts'
import { knownNames } from './known-names.ts'

type Target = { readonly kind: KindName; readonly name: Name }

/** @throws UsageError where it does not exist; Error in words for a person. */
export const objectOf = (cluster: Cluster, { kind, name }: Target, signal: AbortSignal): Promise<KubeObject> =>
  asking(cluster, async () => {
    const at = splitName(name)
    return cluster.api.get(resourceOf({ apiVersion, kind }), at, { signal }).catch(async (error: unknown) => {
      if (!isNotFound(error)) throw error
      const { declared } = await survey(cluster.api, { namespace: at.namespace }, signal)
      const known = declared.filter(({ ref }) => isOf(ref, kind)).map(({ ref }) => nameIn(ref))
      throw new UsageError(`there is no ${kind} ${name} in the cluster; ${knownNames(name, known)}`)
    })
  })
