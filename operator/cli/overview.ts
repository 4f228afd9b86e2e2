/** The overview that `status` shows: every fleet in figures, and what is wrong. Pure. */
import type { Condition } from '../compile/compiled.ts'
import { isOf, type Name, nameIn, type Ref, splitName } from '../compile/snapshot.ts'
import type { Complaint } from './complaint.ts'
import { UsageError } from './exit-code.ts'
import { knownNames } from './known-names.ts'

export type PodView = {
  readonly name: string
  readonly ready: boolean
  /** Why it is not ready, if that is known. */
  readonly why?: string
  /** The hash of the configuration that it has in force. */
  readonly configHash?: string
  /** How many messages wait; absent where that is not known. */
  readonly queued?: number
  /** The age of the oldest message; absent where the pod itself was not asked, or did not answer. */
  readonly oldestSeconds?: number
}

export type FleetView = {
  readonly name: Name
  readonly environment?: string
  readonly ready: Pick<Condition, 'status' | 'reason' | 'message'>
  /** spec.replicas: how many relays there should be. */
  readonly wanted?: number
  /** The hash of the configuration that the relays should have. */
  readonly configHash?: string
  readonly listeners: readonly { readonly name: string; readonly address: string }[]
  readonly credentials: number
  readonly pods: readonly PodView[]
}

/** A key of a credential, as its status has it. */
export type KeyView = {
  readonly id: string
  readonly state: string
  readonly createdAt?: string
  readonly lastUsedAt?: string
  readonly lastUsedFrom?: { readonly network: string }
}

export type CredentialView = { readonly name: Name; readonly keys: readonly KeyView[] }

export type Overview = {
  readonly fleets: readonly FleetView[]
  /** All credentials that have a key. */
  readonly credentials: readonly CredentialView[]
  readonly findings: readonly Complaint[]
  /** How many objects of a kind there are, and how many of them are ready. */
  readonly objects: Readonly<Record<string, { readonly all: number; readonly ready: number }>>
  /** What could not be found out, and why. */
  readonly notes: readonly string[]
}

const nothing = { status: 'Unknown', reason: 'NotObserved', message: 'nobody has said anything yet' } as const

export const readyOf = (conditions: readonly Condition[] = []): FleetView['ready'] => {
  const { status, reason, message } = conditions.find((c) => c.type === 'Ready') ?? nothing
  return { status, reason, message }
}

/** The keys in credentials' statuses, without their verifiers. */
export function credentialViews(objects: readonly (readonly [ref: Ref, status: object])[]): readonly CredentialView[] {
  return objects.flatMap(([ref, status]): readonly CredentialView[] => {
    const { keys = [] } = status as { readonly keys?: readonly Partial<KeyView>[] }
    if (!isOf(ref, 'RelayCredential') || keys.length === 0) return []
    const name = nameIn(ref)
    return [{ name, keys: keys.map(({ id = '', state = 'Active', ...its }) => ({ id, state, ...usedIn(its) })) }]
  })
}

const usedIn = ({ createdAt, lastUsedAt, lastUsedFrom }: Partial<KeyView>) => ({
  ...(createdAt !== undefined && { createdAt }),
  ...(lastUsedAt !== undefined && { lastUsedAt }),
  ...(lastUsedFrom !== undefined && { lastUsedFrom }),
})

/** Figures of a fleet, added up over its pods; undefined where one of them is not known. */
export const queuedIn = ({ pods }: FleetView): number | undefined => sum(pods.map((p) => p.queued))
export const oldestIn = ({ pods }: FleetView): number | undefined =>
  pods.some((p) => p.oldestSeconds === undefined) ? undefined : Math.max(0, ...pods.map((p) => p.oldestSeconds ?? 0))
export const readyIn = ({ pods }: FleetView): number => pods.filter((p) => p.ready).length
export const upToDate = ({ pods, configHash }: FleetView): number =>
  pods.filter((p) => p.configHash !== undefined && p.configHash === configHash).length

const sum = (figures: readonly (number | undefined)[]): number | undefined =>
  figures.includes(undefined) ? undefined : figures.reduce<number>((total, f) => total + (f ?? 0), 0)

/**
 * The policies with this name, either `namespace/name` or only `name`, in any namespace. @throws UsageError where there is none;
 * `where` is put into its message.
 */
export function policiesCalled(name: string, policies: readonly Name[], where = ''): readonly Name[] {
  const found = policies.filter((policy) => policy === name || policy.endsWith(`/${name}`))
  if (found.length > 0) return found
  const known = name.includes('/') ? policies : policies.map((policy) => splitName(policy).name)
  throw new UsageError(`there is no RelayPolicy ${name}${where}; ${knownNames(name, known)}`)
}

export type Counted = { readonly ref: string; readonly conditions: readonly Condition[] | undefined }

/** Counts objects by kind, in the order in which the kinds appear. */
export function counted(objects: readonly Counted[]): Overview['objects'] {
  const byKind = Map.groupBy(objects, ({ ref }) => ref.slice(0, ref.indexOf(' ')))
  return Object.fromEntries(
    [...byKind].map(([kind, all]) => [
      kind,
      { all: all.length, ready: all.filter((o) => readyOf(o.conditions).status === 'True').length },
    ]),
  )
}
