/** The objects that were made for fleets, as the cluster has them, found by the label that names their fleet. */
import { isDeepStrictEqual } from 'node:util'
import type { Name } from '../../compile/snapshot.ts'
import type { KubeObject } from '../api/object.ts'
import { policyLabel } from '../write/ownership.ts'
import { remembered } from './remembered.ts'

/** The fleet that the label of an object names; undefined where it has none. */
export function fleetOf({ metadata: { namespace, labels } }: KubeObject): Name | undefined {
  const policy = labels?.[policyLabel]
  return namespace === undefined || policy === undefined ? undefined : `${namespace}/${policy}`
}

export type Made = { readonly fleet: Name | undefined; readonly object: KubeObject }

/**
 * Without managedFields, which are large: who set which field matters only when a write meets a conflict, and is read anew
 * then.
 */
export function madeIn(object: KubeObject): Made {
  const { managedFields: _, ...metadata } = object.metadata
  return { fleet: fleetOf(object), object: { ...object, metadata } }
}

/** A status that its controller reports is no change of what was made. */
export const isSameMade = (a: Made, b: Made): boolean => isDeepStrictEqual(withoutReports(a), withoutReports(b))

const withoutReports = ({ object: { status: _, metadata, ...rest } }: Made): unknown => {
  const { resourceVersion: __, ...told } = metadata
  return { ...rest, metadata: told }
}

const none: readonly never[] = []

/** Finds the values of one fleet. They are grouped once for each new list, so that a call need not walk through thousands. */
export function byFleet<T extends { readonly fleet: Name | undefined }>(
  values: () => readonly T[],
): (fleet: Name) => readonly T[] {
  const groups = remembered(
    () => [values()],
    (all) => Map.groupBy(all, (one) => one.fleet),
  )
  return (fleet) => groups().get(fleet) ?? none
}
