/** Compiles a cluster as its operator would, to answer a question about one credential. */
import { snapshotOnce } from '../cluster/person/once.ts'
import { runningOnce } from '../cluster/person/running-once.ts'
import { compile } from '../compile/compile.ts'
import type { Compiled } from '../compile/compiled.ts'
import { withFirstKeys } from '../compile/first-keys.ts'
import { type Name, nameOf, referred, type Snapshot, splitName } from '../compile/snapshot.ts'
import { few } from '../few.ts'
import type { Cluster } from './cluster-options.ts'
import { requireKinds } from './preflight.ts'

export type CompiledCluster = {
  readonly snapshot: Snapshot
  readonly compiled: Compiled
  /** The credential's present status. */
  readonly status: Readonly<Record<string, unknown>> | undefined
}

/**
 * The configuration that a held fleet keeps is read from its Secrets, if this user may read them.
 * @throws ApiError; Error where this user may see too little for a certain answer.
 */
export async function compileCluster(
  cluster: Cluster,
  credential: Name,
  signal: AbortSignal,
): Promise<CompiledCluster> {
  await requireKinds(cluster, signal)
  const { snapshot: found, declared } = await snapshotOnce(cluster.api, splitName(credential), signal)
  const fleet = fleetOf(found, credential)
  const running = isHeld(found, fleet) ? await runningOnce(cluster.api, fleet, signal) : undefined
  const snapshot = withFirstKeys(running === undefined ? found : { ...found, running: new Map([[fleet, running]]) })
  const compiled = compile(snapshot)
  requireCertainty(snapshot, compiled, credential, fleet)
  const { status } = declared.find(({ ref }) => ref === `RelayCredential ${credential}`) ?? {}
  return { snapshot, compiled, status }
}

/** The fleet of a credential. For one that does not exist, its own name, under which no fleet will be found. */
function fleetOf({ credentials }: Snapshot, name: Name): Name {
  const found = credentials.find((credential) => nameOf(credential) === name)
  return found === undefined ? name : referred(found.spec.policyRef, found)
}

const isHeld = (snapshot: Snapshot, fleet: Name): boolean => compile(snapshot).fleets.get(fleet)?.kind === 'hold'

function requireCertainty(
  { unread, running }: Snapshot,
  { fleets, statuses }: Compiled,
  name: Name,
  fleet: Name,
): void {
  const known = [...fleets.values()].some(({ config }) => config?.credentials.some((c) => c.name === name))
  if (known || running.has(fleet)) return
  const status = statuses.get(`RelayCredential ${name}`)
  const open = status?.conditions.some((c) => c.type === 'Accepted' && c.status === 'Unknown') ?? false
  if (unread.length > 0 && (open || status === undefined)) {
    throw new Error(`too little may be seen to answer: ${few(unread)}; ask who may list our kinds in every namespace`)
  }
  if (fleets.get(fleet)?.kind === 'hold') {
    throw new Error(
      `RelayPolicy ${fleet} has an error, so its relays keep what they had, and that may not be read from here: it is in ` +
        `the Secrets ${fleet}-relay-config-0 and following; relayfleet check tells what the error is`,
    )
  }
}
