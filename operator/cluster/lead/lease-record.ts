/** A Lease as its holder writes it and as a candidate reads it. Pure: each time is by the clock of the caller. */
import type { KubeObject } from '../api/object.ts'

/** How long a lease is good for, and what follows from that. */
export type Terms = {
  /** A candidate takes it no sooner than this after it saw it change; milliseconds, as all of these. */
  readonly leaseMs: number
  /**
   * The holder stops writing this long after it asked for the renewal that was last granted, which is before a candidate may
   * take over.
   */
  readonly stopMs: number
  readonly renewMs: number
  /** How often a candidate looks, and a holder tries again. */
  readonly retryMs: number
}

export const ordinaryTerms: Terms = { leaseMs: 15_000, stopMs: 10_000, renewMs: 4000, retryMs: 1000 }

type LeaseSpec = {
  readonly holderIdentity?: string | null
  readonly leaseDurationSeconds?: number
  readonly leaseTransitions?: number
  readonly acquireTime?: string
}

const specOf = (lease: KubeObject): LeaseSpec => (lease['spec'] as LeaseSpec | undefined) ?? {}

/** Empty where nobody holds it. */
export const holderOf = (lease: KubeObject): string => specOf(lease).holderIdentity ?? ''

/** Which version of a lease a candidate saw, and when it saw that for the first time, by its own clock. */
export type Sighting = { readonly resourceVersion: string; readonly since: number }

export function sight(lease: KubeObject, before: Sighting | undefined, now: number): Sighting {
  const resourceVersion = lease.metadata.resourceVersion ?? ''
  return before?.resourceVersion === resourceVersion ? before : { resourceVersion, since: now }
}

/**
 * No two clocks are compared: the times written in a Lease are for people, and a candidate goes by when it saw the Lease
 * change.
 */
export function isFree(lease: KubeObject, me: string, { since }: Sighting, now: number, { leaseMs }: Terms): boolean {
  const holder = holderOf(lease)
  if (holder === '' || holder === me) return true
  const written = (specOf(lease).leaseDurationSeconds ?? 0) * 1000
  return now - since >= Math.max(leaseMs, written)
}

type Held = { readonly namespace: string; readonly name: string; readonly identity: string; readonly time: string }

/** The lease as `identity` holds it from now on; `before` is what it replaces, and only that very version. */
export function taken(
  { namespace, name, identity, time }: Held,
  before: KubeObject | undefined,
  terms: Terms,
): KubeObject {
  const spec: LeaseSpec = before === undefined ? {} : specOf(before)
  const again = before !== undefined && holderOf(before) === identity
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...before?.metadata, name, namespace },
    spec: {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(terms.leaseMs / 1000),
      acquireTime: again ? (spec.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (spec.leaseTransitions ?? 0) + (again || before === undefined ? 0 : 1),
    },
  }
}

/** The lease as nobody holds it: the next candidate need not wait. */
export const released = (lease: KubeObject): KubeObject => ({
  ...lease,
  spec: { ...specOf(lease), holderIdentity: '', leaseDurationSeconds: 1 },
})
